"""Helpers of these tests are modules beside them, which worker processes import too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
