"""``python -m aeimage``: the command line."""

import sys

from aeimage.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
