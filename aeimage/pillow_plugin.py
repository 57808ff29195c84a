"""Pillow reads and writes .aei files once this module is imported.

::

    import aeimage.pillow_plugin
    from PIL import Image

    image = Image.open("photo.jpg.aei")       # size, mode and info at once; pixels when needed
    image.save("again.aei", quality=60)       # or bpp=, psnr=, max_bytes=

`Image.open` checks every checksum, and gives mode RGB, or RGBA where there is transparency, with
``icc_profile``, ``exif``, ``xmp`` and ``dpi`` in ``info``. The model is opened, and the pixels are
decoded, when they are first needed. Pillow's own limit on the size of pictures applies
(``Image.MAX_IMAGE_PIXELS``), not aeimage's. A damaged file raises `aeimage.errors.FileFormatError`.

`save` takes these options:

- ``quality`` (0 to 100, default 50), or ``bpp``, ``psnr`` or ``max_bytes``: see
  `aeimage.runtime.compressor.Target`;
- ``model``, ``effort``;
- ``icc_profile``, ``exif`` (bytes or `Image.Exif`), ``xmp``, ``dpi``: instead of those in
  ``image.info``; a false value drops them;
- ``strip=True``: drop all of them.

Pixels are stored upright: an EXIF orientation is applied and its tag reset. What gets lost (16-bit
samples, say) is told by Python's `warnings`.
"""

from __future__ import annotations

import warnings
from typing import IO, Any

from PIL import Image, ImageFile

from aeimage.apps.coded_files import read_coded_bytes
from aeimage.codec.container import read_container
from aeimage.codec.header import MAGIC
from aeimage.images import Picture, from_pillow
from aeimage.runtime import compressor

FORMAT = "AEI"
_ELSEWHERE = {
    "exif": ("Raw profile type exif",),
    "xmp": ("XML:com.adobe.xmp", "Raw profile type xmp"),
}
"""Further keys under which Pillow's plugins leave the same metadata in ``info``."""


def _accept(prefix: bytes) -> bool:
    # The part of the magic that text-mode transfers leave: such a file gets its own error.
    return prefix[:4] == MAGIC[:4]


class AeiImageFile(ImageFile.ImageFile):
    """An opened .aei file; what Pillow's `Image.open` returns."""

    format = FORMAT
    format_description = "aeimage learned codec"
    _data: bytes | None = None  # here, since an unpickled picture has never been opened

    def _open(self) -> None:
        assert self.fp is not None
        # Pillow applies its own limit to the size that is found here.
        self._data = read_coded_bytes(self.fp, max_pixels=None)
        container = read_container(self._data, max_pixels=None)
        self._size = (container.header.width, container.header.height)
        self._mode = "RGB" if container.alpha is None else "RGBA"
        found = {
            "icc_profile": container.icc,
            "exif": container.exif and b"Exif\0\0" + container.exif,
            "xmp": container.xmp,
            "dpi": container.dpi,
        }
        self.info.update({key: value for key, value in found.items() if value is not None})

    def load(self) -> Any:
        """Decode the pixels, if that has not been done."""
        if self._data is not None:
            self.im = compressor.decompress(self._data, max_pixels=None).im
            self._data = None
            if self.fp and self._exclusive_fp:
                self.fp.close()
            self.fp = None
        return super().load()

    def verify(self) -> None:
        """Decode every symbol, which shows damage that no checksum does."""
        if self._data is not None:
            compressor.Codec.for_file(self._data).verify(self._data, max_pixels=None)
        super().verify()


def _save(image: Image.Image, stream: IO[bytes], filename: str | bytes) -> None:
    options = image.encoderinfo  # type: ignore[attr-defined]
    picture = _picture(image, options)
    for message in picture.warnings:
        warnings.warn(message, stacklevel=3)
    keys = ("quality", "bpp", "psnr", "max_bytes", "model", "strip", "effort")
    stream.write(compressor.compress(picture, **{k: options[k] for k in keys if k in options}))


def _picture(image: Image.Image, options: dict[str, Any]) -> Picture:
    """The image with the metadata it is to be saved with."""
    info = dict(image.info)
    for key in {"icc_profile", "exif", "xmp"} & options.keys():
        value = options[key]
        for name in (key, *_ELSEWHERE.get(key, ())):
            info.pop(name, None)
        if value:
            info[key] = value.tobytes() if isinstance(value, Image.Exif) else value
    own = image.info
    # Exchanged rather than changed in the result: the orientation of the EXIF that is saved is
    # the one to apply, and a profile decides how grey and CMYK become RGB.
    image.info = info
    try:
        picture = from_pillow(image)
    finally:
        image.info = own
    if "dpi" in options:
        dpi = options["dpi"]
        picture.dpi = (float(dpi[0]), float(dpi[1])) if dpi else None
    return picture


Image.register_open(FORMAT, AeiImageFile, _accept)
Image.register_save(FORMAT, _save)
Image.register_extension(FORMAT, ".aei")
Image.register_mime(FORMAT, "image/x-aei")
