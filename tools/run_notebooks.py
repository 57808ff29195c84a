"""Run every notebook from top to bottom, in fast mode, each in a fresh kernel.

    python tools/run_notebooks.py                     # all of notebooks/
    python tools/run_notebooks.py notebooks/one.ipynb --seconds 300

Fast mode (the environment variable AEIMAGE_NOTEBOOK_FAST=1, which notebooks look at) needs no
network and no data but what comes with the packages. What is kept in the files is not changed. The
exit status is 1 if a notebook fails.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

import nbclient
import nbformat
from nbclient.exceptions import CellExecutionError, CellTimeoutError

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
KEPT_TO_ITSELF = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_RUNTIME_DIR", "TMPDIR")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="(default: all)")
    parser.add_argument("--seconds", type=int, default=600, help="limit of a cell (default: 600)")
    args = parser.parse_args()
    os.environ["AEIMAGE_NOTEBOOK_FAST"] = "1"
    # Where other work is going on, many threads of small matrix products wait for one another.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    failed = []
    for path in args.notebooks or sorted(FOLDER.glob("*.ipynb")):
        started = time.perf_counter()
        error = run(path, args.seconds)
        print(f"{path.name}: {error or 'ok'} ({time.perf_counter() - started:.0f} s)", flush=True)
        if error:
            failed.append(path.name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(path: Path, seconds: int) -> str:
    """Run one notebook in a folder of its own; return what went wrong, or nothing."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        # Nothing is written to the user's home.
        for variable in KEPT_TO_ITSELF:
            os.environ[variable] = os.path.join(folder, variable.lower())
            os.mkdir(os.environ[variable], mode=0o700)
        client = nbclient.NotebookClient(
            notebook,
            timeout=seconds,
            kernel_name="python3",
            resources={"metadata": {"path": folder}},
        )
        try:
            client.execute()
        except (CellExecutionError, CellTimeoutError) as error:
            return str(error)
    return ""


if __name__ == "__main__":
    sys.exit(main())
