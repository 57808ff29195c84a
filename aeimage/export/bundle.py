"""Write a bundle, of whatever kind: files, model card, and a manifest with their SHA-256."""

import hashlib
import json
import shutil
import tempfile
from pathlib import Path

CARD = "README.md"
MANIFEST = "model.json"
MODEL_ID_BYTES = 8


def write_bundle(out: Path, files: dict[str, bytes], *, card: str, fields: dict) -> dict:
    """Write the folder `out`, replacing it as a whole; files that only the old one has are kept.

    Args:
        out: folder; its name need not be the model's.
        files: contents by file name.
        card: text of the model card, Markdown.
        fields: of the manifest, `name`, `kind` and `id` (16 hexadecimal digits) among them.

    Returns:
        the manifest: `fields`, and the SHA-256 of each file.
    """
    out = Path(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    files = {**files, CARD: card.encode("utf-8")}
    digests = {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}
    manifest = {"format": 1, **fields, "files": digests}
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    with tempfile.TemporaryDirectory(dir=out.parent) as temporary:
        folder = Path(temporary) / out.name
        folder.mkdir()
        for name, data in {**files, MANIFEST: text.encode("utf-8")}.items():
            (folder / name).write_bytes(data)
        if out.exists():
            _keep_others(out, folder)
        replace_folder(folder, out, aside=Path(temporary) / "replaced")
    return manifest


def _keep_others(old: Path, new: Path) -> None:
    for extra in old.iterdir():
        if extra.is_file() and not (new / extra.name).exists():
            shutil.copy2(extra, new / extra.name)


def replace_folder(new: Path, out: Path, *, aside: Path) -> None:
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
