"""The files of a folder tree."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Tree:
    """What lies in a folder and below.

    Attributes:
        files: regular files and links to them, sorted, folder by folder; also links that lead
            nowhere, so that whoever opens them says so.
        odd: what has a visible name and is neither file nor folder (pipes, devices).
        unreadable: folders that the system does not let us look into, with the reason.
        loops: links to a folder that they lie in.
    """

    files: list[Path] = field(default_factory=list)
    odd: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, OSError]] = field(default_factory=list)
    loops: list[Path] = field(default_factory=list)


def scan_tree(folder: Path) -> Tree:
    """List a folder tree.

    Names that begin with a dot are passed over, folders and files alike: thumbnails, what macOS
    leaves beside pictures, half-written files. Links are followed, since a picture that can be
    seen in the folder should be found there, except to a folder that the link itself lies in.

    Args:
        folder: an existing folder.
    """
    tree = Tree()
    _scan(folder, (), tree)
    return tree


def _scan(folder: Path, ancestors: tuple[tuple[int, int], ...], tree: Tree) -> None:
    try:
        status = os.stat(folder)
        identity = (status.st_dev, status.st_ino)
        if identity in ancestors:
            tree.loops.append(folder)
            return
        entries = sorted(_visible(folder))
    except OSError as error:
        tree.unreadable.append((folder, error))
        return
    folders = []
    for name in entries:
        path = folder / name
        kind = _kind(path)
        if kind == "folder":
            folders.append(path)
        else:
            (tree.files if kind == "file" else tree.odd).append(path)
    for path in folders:
        _scan(path, (*ancestors, identity), tree)


def _visible(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        yield from (entry.name for entry in entries if not entry.name.startswith("."))


def _kind(path: Path) -> str:
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "file" if stat.S_ISREG(mode) else "odd"
