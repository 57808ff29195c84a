"""What an .aei file says about itself, without decoding it."""

from __future__ import annotations

import io
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image, ImageCms

from aeimage.apps.coded_files import open_input, read_coded_bytes
from aeimage.codec.bytestream import ByteReader
from aeimage.codec.container import Chunk, Container, read_container
from aeimage.codec.header import MAX_BODY, parse_header
from aeimage.errors import FileFormatError, ModelError
from aeimage.metrics import bits_per_pixel
from aeimage.runtime import bundle

_EXIF_TAGS = ("Make", "Model", "Software", "DateTime")


@dataclass
class FileInfo:
    """What is known of a file without its model.

    Attributes:
        path: ``"-"`` for standard input.
        bytes: size of the file.
        version: of the format.
        width, height: in pixels.
        quality: 0 to 100.
        bpp: bits of the whole file per pixel.
        model_id: hexadecimal.
        model: name of the installed model with this id; None if there is none.
        chunks: bytes on disk by kind of chunk, frames and checksums included; all of them and the
            header add up to `bytes`.
        stripes: number of stripes of latents.
        icc, exif, xmp: sizes of the metadata in bytes, or None.
        icc_name: description of the ICC profile.
        exif_tags: the few that people ask for: Make, Model, Software, DateTime.
        dpi: pixels per inch, horizontal and vertical, or None.
        alpha: whether there is transparency.
    """

    path: str
    bytes: int
    version: int
    width: int
    height: int
    quality: float
    bpp: float
    model_id: str
    model: str | None
    chunks: dict[str, int]
    stripes: int
    icc: int | None = None
    exif: int | None = None
    xmp: int | None = None
    icc_name: str | None = None
    exif_tags: dict[str, str] = field(default_factory=dict)
    dpi: tuple[float, float] | None = None
    alpha: bool = False

    def as_dict(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def inspect_file(path: str | os.PathLike[str]) -> FileInfo:
    """Read an .aei file's header, check all of its checksums, and list what it holds.

    Args:
        path: the file; ``"-"`` is standard input.

    Raises:
        FileFormatError: it is damaged, or none.
        PictureFileError: it cannot be opened.
    """
    try:
        with open_input(None if path == "-" else Path(path)) as stream:
            data = read_coded_bytes(stream, max_pixels=None)
        container = read_container(data, max_pixels=None)
    except FileFormatError as error:
        raise type(error)(f"{path}: {error}") from error
    header = container.header
    return FileInfo(
        path=os.fspath(path),
        bytes=len(data),
        version=header.version,
        width=header.width,
        height=header.height,
        quality=header.quality,
        bpp=bits_per_pixel(len(data), header.width, header.height),
        model_id=header.model_id.hex(),
        model=_model_name(header.model_id),
        chunks=chunk_bytes(data),
        stripes=len(container.stripes),
        icc_name=_icc_name(container.icc),
        exif_tags=_exif_tags(container.exif),
        dpi=container.dpi,
        alpha=container.alpha is not None,
        **_sizes(container),
    )


def chunk_bytes(data: bytes) -> dict[str, int]:
    """Bytes on disk by kind of chunk, of a file that `read_container` accepts."""
    reader = ByteReader(data)
    parse_header(reader, None)
    sizes = {"header": reader.position}
    known = {int(kind): kind.name.lower() for kind in Chunk}
    while reader.remaining:
        start = reader.position
        kind = reader.unsigned("B", "type of a chunk")
        reader.take(reader.varint(MAX_BODY, "length of a chunk"), "chunk")
        reader.check("chunk")
        name = known.get(kind, f"type {kind}")
        sizes[name] = sizes.get(name, 0) + reader.position - start
    return sizes


def _sizes(container: Container) -> dict[str, int | None]:
    blocks = {name: getattr(container, name) for name in ("icc", "exif", "xmp")}
    return {name: None if block is None else len(block) for name, block in blocks.items()}


def _model_name(model_id: bytes) -> str | None:
    try:
        return bundle.find_codec(model_id).name
    except ModelError:
        return None


def _icc_name(icc: bytes | None) -> str | None:
    if icc is None:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        return ImageCms.getProfileDescription(profile).strip() or None
    except (ImportError, OSError, ValueError, ImageCms.PyCMSError):
        return None


def _exif_tags(exif: bytes | None) -> dict[str, str]:
    if exif is None:
        return {}
    tags = Image.Exif()
    try:
        tags.load(exif)
        found = {name: tags.get(ExifTags.Base[name]) for name in _EXIF_TAGS}
    except Exception:  # Pillow's parser raises a dozen kinds on damaged blocks
        return {}
    return {name: text.strip(" \0") for name, text in found.items() if isinstance(text, str)}
