"""Writing files so that a reader sees the old file or the new one, never half of one."""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from aeimage.errors import OutputExistsError

Writer = Callable[[BinaryIO], object]
"""Writes the whole file into the binary, seekable, readable stream it is given."""

_BINARY = getattr(os, "O_BINARY", 0)
_NEW = os.O_CREAT | os.O_EXCL | _BINARY


def atomic_write(
    path: str | os.PathLike[str],
    data_or_writer: bytes | bytearray | memoryview | Writer,
    *,
    overwrite: bool = True,
) -> None:
    """Write a file through a temporary one in the same folder.

    A new file gets the permissions that the umask gives; a file that is replaced keeps its
    permission bits. A symbolic link is followed: its target is replaced, the link stays.
    Something that is no regular file (a pipe, ``/dev/null``) is written to directly, since
    replacing it would destroy it. The temporary file is removed whatever happens,
    `KeyboardInterrupt` included. The bytes reach the operating system, which is not yet the
    disk: no `fsync`, it would cost more than coding a small picture does.

    Args:
        path: the file to write; its folder must exist.
        data_or_writer: the bytes, or a function that writes them into the stream it is given.
        overwrite: whether an existing file may be replaced.

    Raises:
        OutputExistsError: `path` exists and `overwrite` is false; also where another process
            made it in the meantime. The writer is not called if it exists at the start.
        OSError: the system refused (no such folder, no permission, disk full).
    """
    target = Path(os.path.realpath(path))
    try:
        status: os.stat_result | None = target.stat()
    except FileNotFoundError:
        status = None
    if status is not None:
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(21, "Is a folder, expected a file to write", str(path))
        if not stat.S_ISREG(status.st_mode):
            with open(target, "wb") as stream:
                _fill(stream, data_or_writer)
            return
        if not overwrite:
            raise OutputExistsError.for_path(path)

    # A short name of its own: the target's name plus a suffix could exceed what names may be.
    temporary = target.with_name(f".aeimage-{secrets.token_hex(8)}.part")
    try:
        with open(os.open(temporary, os.O_RDWR | _NEW, 0o666), "w+b") as stream:
            _fill(stream, data_or_writer)
        if status is not None:
            os.chmod(temporary, stat.S_IMODE(status.st_mode))
        if overwrite:
            os.replace(temporary, target)
        else:
            _publish_new(temporary, target, shown=path)
    finally:
        temporary.unlink(missing_ok=True)


def _fill(stream: BinaryIO, data_or_writer: bytes | bytearray | memoryview | Writer) -> None:
    if callable(data_or_writer):
        data_or_writer(stream)
    else:
        stream.write(data_or_writer)


def _publish_new(temporary: Path, target: Path, *, shown: object) -> None:
    """Give `temporary` the name `target`, which must not exist at that instant."""
    try:
        os.link(temporary, target)
        return
    except FileExistsError:
        raise OutputExistsError.for_path(shown) from None
    except OSError:
        pass  # a file system without hard links (FAT, some network folders)
    try:
        # Taking the name first keeps two processes from both believing that it was free.
        os.close(os.open(target, os.O_WRONLY | _NEW, 0o666))
    except FileExistsError:
        raise OutputExistsError.for_path(shown) from None
    try:
        os.replace(temporary, target)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def set_mtime(path: str | os.PathLike[str], mtime_ns: int) -> None:
    """Set a file's modification time and leave its access time.

    Args:
        path: an existing file.
        mtime_ns: nanoseconds since 1970, as in `os.stat_result.st_mtime_ns`.

    Raises:
        OSError: the system refused.
    """
    os.utime(path, ns=(os.stat(path).st_atime_ns, mtime_ns))
