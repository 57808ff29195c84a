"""A few small pictures shipped with the package, to try everything on.

Their origins and licences (public domain and CC0) stand in ``LICENSES.md`` beside them. No model
was trained on them.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["sample_paths"]

_SUFFIXES = {".jpg", ".png", ".webp"}


def sample_paths() -> list[Path]:
    """The shipped pictures' paths, sorted by name."""
    folder = Path(__file__).resolve().parent
    return sorted(path for path in folder.iterdir() if path.suffix in _SUFFIXES)
