"""Photographs to small files and back, by a learned codec; autoencoders of images in Keras.

::

    import aeimage

    data = aeimage.compress("holiday.jpg", quality=50)  # bytes of an .aei file
    picture = aeimage.decompress(data)                  # PIL.Image.Image

    codec = aeimage.Codec()                             # keeps its model open
    small = codec.compress(picture, max_bytes=50_000)

    page = aeimage.denoise("scan.png")                  # ready for OCR; model="photo" for noise
    whole = aeimage.inpaint("print.png", "mask.png")    # fills in what is white in the mask
    colours = aeimage.colorize("grey.jpg")              # of exactly this luminance

Names load on first use (PEP 562), so `import aeimage` costs a few milliseconds. None of them needs
TensorFlow or Keras.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aeimage.errors import AEImageError

if TYPE_CHECKING:
    from aeimage.runtime.colorizer import Colorizer, colorize
    from aeimage.runtime.compressor import Codec, compress, decompress
    from aeimage.runtime.inpainter import Inpainter, inpaint
    from aeimage.runtime.restorer import Restorer, denoise

    __version__: str

__all__ = [
    "AEImageError",
    "Codec",
    "Colorizer",
    "Inpainter",
    "Restorer",
    "__version__",
    "colorize",
    "compress",
    "decompress",
    "denoise",
    "inpaint",
]

_LAZY = {
    "Codec": "aeimage.runtime.compressor",
    "Colorizer": "aeimage.runtime.colorizer",
    "Inpainter": "aeimage.runtime.inpainter",
    "Restorer": "aeimage.runtime.restorer",
    "colorize": "aeimage.runtime.colorizer",
    "inpaint": "aeimage.runtime.inpainter",
    "compress": "aeimage.runtime.compressor",
    "decompress": "aeimage.runtime.compressor",
    "denoise": "aeimage.runtime.restorer",
}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        value = getattr(import_module(_LAZY[name]), name)
    elif name == "__version__":
        value = _version()
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # the next access does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("aeimage")
    except metadata.PackageNotFoundError:  # run from a source tree that was never installed
        return "0+unknown"
