"""Write the folder of a bundle: all of it or nothing."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

MANIFEST = "model.json"


def write_folder(out: Path, manifest: dict, files: dict[str, bytes]) -> dict:
    """Write a bundle to the folder `out`, replacing it as a whole.

    Args:
        out: folder; files that only an older bundle there has (weights) are kept.
        manifest: entries of ``model.json``, name, kind and id among them.
        files: contents by name.

    Returns:
        the manifest as written: with the format's version, and the SHA-256 of each file.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    manifest = {"format": 1, **manifest, "files": digests}
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        for name, contents in files.items():
            (folder / name).write_bytes(contents)
        text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
        (folder / MANIFEST).write_text(text, encoding="utf-8")
        if out.exists():
            _keep_others(out, folder)
        replace_folder(folder, out, aside=Path(temporary) / "replaced")
    return manifest


def replace_folder(new: Path, out: Path, aside: Path) -> None:
    """Put the folder `new` in the place of `out`, or leave `out` as it was.

    Args:
        new: on the same file system as `out`.
        out: may exist.
        aside: where the old `out` goes.
    """
    if out.exists():
        out.rename(aside)
    try:
        new.rename(out)
    except BaseException:
        if aside.exists():
            aside.rename(out)
        raise


def _keep_others(old: Path, new: Path) -> None:
    for extra in old.iterdir():
        if extra.is_file() and not (new / extra.name).exists():
            shutil.copy2(extra, new / extra.name)
