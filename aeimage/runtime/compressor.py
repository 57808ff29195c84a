"""Pictures to .aei bytes and back: the codec as users meet it."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aeimage.codec.alpha import decode_alpha, encode_alpha
from aeimage.codec.container import (
    Container,
    Header,
    read_container,
    read_header,
    write_container,
)
from aeimage.errors import UsageError
from aeimage.images import DEFAULT_MAX_PIXELS, Picture, as_picture, to_pillow
from aeimage.metrics import psnr
from aeimage.runtime.bundle import Bundle, find_bundle, find_codec, load_tables
from aeimage.runtime.latent_codec import Geometry, LatentCodec
from aeimage.runtime.restorer import open_restorer
from aeimage.runtime.session import Session
from aeimage.runtime.targets import Compressed, Target, meet

if TYPE_CHECKING:
    from PIL import Image

DEFAULT_MODEL = "photo"
DEFAULT_EFFORT = 1


class Codec:
    """An open codec model; keeps its networks in memory between pictures.

    Args:
        model: name of an installed model, or a folder that holds a bundle.
        threads: of the networks; by default one for each core. The bytes do not depend on it.

    Raises:
        ModelNotFoundError: no such model.
        ModelFileError: the bundle is damaged.
    """

    def __init__(self, model: str = DEFAULT_MODEL, threads: int | None = None) -> None:
        self._open(find_bundle(model), threads)

    @classmethod
    def for_file(cls, data: bytes | memoryview, threads: int | None = None) -> Codec:
        """Open the codec that a compressed file names.

        Args:
            data: the file, or its beginning.
            threads: of the networks.

        Raises:
            FileFormatError: the header is damaged.
            ModelNotFoundError: the model is not installed.
        """
        codec = cls.__new__(cls)
        codec._open(find_codec(read_header(data, max_pixels=None).model_id), threads)
        return codec

    def _open(self, bundle: Bundle, threads: int | None) -> None:
        # A damaged network would write files that no other machine can read: 10 ms well spent.
        bundle.verify()
        self.bundle = bundle
        session = Session(bundle.path / "codec.tflite", threads)
        tables = load_tables(bundle.path)
        self._latents = LatentCodec(session, tables, tuple(bundle.info["slices"]))
        self._efforts = len(tables.rounding)

    @property
    def name(self) -> str:
        """Name of the model."""
        return self.bundle.name

    @property
    def model_id(self) -> str:
        """Hexadecimal id of the model."""
        return self.bundle.model_id

    @property
    def kmac_per_pixel(self) -> float:
        """Thousands of multiply-accumulates a pixel that decoding takes, entropy model included."""
        return self.bundle.info["kmac_per_pixel"]["decoder"]

    # ---- Pillow in, Pillow out ---------------------------------------------------------------

    def compress(
        self,
        image: Image.Image | NDArray[np.uint8] | str | Path,
        quality: float | None = None,
        *,
        bpp: float | None = None,
        psnr: float | None = None,
        max_bytes: int | None = None,
        strip: bool = False,
        effort: int | None = None,
        denoise: str | None = None,
        max_pixels: int | None = DEFAULT_MAX_PIXELS,
    ) -> bytes:
        """Compress a picture.

        Args:
            image: Pillow image, uint8 array (height, width, 3) or (height, width), or path of a
                picture file.
            quality: 0 to 100; 50 where no target is given.
            bpp, psnr, max_bytes: other targets, see `Target`.
            strip: leave out ICC profile, EXIF, XMP and resolution.
            effort: 0 plain rounding, 1 (default) rate-distortion optimised rounding; more is
                accepted and means 1.
            denoise: restorer that the picture goes through first: ``"scan"``, ``"photo"`` or
                ``"auto"``, see `aeimage.runtime.restorer.Restorer`.
            max_pixels: largest picture file to read, in pixels; None reads any.

        Warns:
            UserWarning: where the target is out of reach.

        Returns:
            the bytes of an .aei file.

        Raises:
            UsageError: an argument is out of range.
            PictureError: the picture cannot be read.
            ModelNotFoundError: the restorer is not installed.
        """
        target = Target(quality, bpp, psnr, max_bytes)
        picture = as_picture(image, max_pixels)
        if denoise is not None:
            picture = open_restorer(denoise).restore_picture(picture).image
        found = self.compress_picture(picture, target, strip=strip, effort=effort)
        if not found.met:
            warnings.warn(
                f"The target {target} is out of reach; this is the nearest: "
                f"{len(found.data)} bytes at quality {found.quality:g}.",
                stacklevel=2,
            )
        return found.data

    def decompress(
        self, data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
    ) -> Image.Image:
        """Restore the picture of an .aei file that this model made.

        Returns:
            RGB or RGBA image, with ICC profile, EXIF, XMP and DPI in its `info`.

        Raises:
            FileFormatError: the file is damaged.
            UsageError: it was made by another model.
        """
        return to_pillow(self.decompress_picture(data, max_pixels=max_pixels))

    # ---- Picture in, Picture out -------------------------------------------------------------

    def compress_picture(
        self,
        picture: Picture,
        target: Target | None = None,
        *,
        strip: bool = False,
        effort: int | None = None,
    ) -> Compressed:
        """Compress a picture with its metadata; see `compress`."""
        target = target or Target()
        effort = DEFAULT_EFFORT if effort is None else effort
        if not 0 <= effort <= 9:
            raise UsageError.for_value("effort", "a whole number from 0 to 9", effort)
        effort = min(effort, self._efforts - 1)
        geometry = Geometry(picture.width, picture.height)
        u = self._latents.analyse(picture.rgb)
        extras = self._extras(picture, strip)

        @functools.lru_cache(maxsize=4)
        def attempt(quality: float) -> bytes:
            header = Header(picture.width, picture.height, quality, bytes.fromhex(self.model_id))
            hyper, stripes = self._latents.encode(u, geometry, header.quality, effort)
            return write_container(Container(header, hyper, stripes, **extras))

        def score(data: bytes) -> float:
            return psnr(self._decode_pixels(read_container(data, max_pixels=None)), picture.rgb)

        return meet(target, attempt, score, picture.width * picture.height)

    def decompress_picture(
        self, data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
    ) -> Picture:
        """Restore a picture with its metadata; see `decompress`."""
        container = read_container(data, max_pixels=max_pixels)
        header = container.header
        alpha = None
        if container.alpha is not None:
            alpha = decode_alpha(container.alpha, header.width, header.height)
        return Picture(
            rgb=self._decode_pixels(container),
            alpha=alpha,
            icc=container.icc,
            exif=container.exif,
            xmp=container.xmp,
            dpi=container.dpi,
        )

    def verify(
        self, data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
    ) -> None:
        """Check every byte and decode every symbol, without making the picture.

        Raises:
            FileFormatError: the file is damaged.
            UsageError: it was made by another model.
        """
        container = read_container(data, max_pixels=max_pixels)
        self._symbols(container)
        if container.alpha is not None:
            decode_alpha(container.alpha, container.header.width, container.header.height)

    def _symbols(self, container: Container):
        header = container.header
        if header.model_id.hex() != self.model_id:
            raise UsageError(
                f"The file was made by the model {header.model_id.hex()}, this codec is "
                f"{self.name} ({self.model_id}). Open it with `Codec.for_file` or "
                "`aeimage.decompress`, which look for the right one."
            )
        geometry = Geometry(header.width, header.height)
        return self._latents.decode_symbols(
            container.hyper, container.stripes, geometry, header.quality
        )

    def _decode_pixels(self, container: Container) -> NDArray[np.uint8]:
        z, symbols = self._symbols(container)
        header = container.header
        geometry = Geometry(header.width, header.height)
        return self._latents.reconstruct(z, symbols, geometry, header.quality)

    @staticmethod
    def _extras(picture: Picture, strip: bool) -> dict:
        extras = {}
        if picture.alpha is not None:
            extras["alpha"] = encode_alpha(picture.alpha)
        if not strip:
            for name in ("icc", "exif", "xmp", "dpi"):
                extras[name] = getattr(picture, name)
        return extras


@functools.lru_cache(maxsize=4)
def _codec(model_id: str, path: Path) -> Codec:
    return Codec(str(path))


def _open_codec(bundle: Bundle) -> Codec:
    """Return an open codec; the same one for the same model."""
    return _codec(bundle.model_id, bundle.path.resolve())


def compress(
    image: Image.Image | NDArray[np.uint8] | str | Path,
    quality: float | None = None,
    *,
    model: str = DEFAULT_MODEL,
    **options,
) -> bytes:
    """Compress a picture with the model called `model`; see `Codec.compress`."""
    return _open_codec(find_bundle(model)).compress(image, quality, **options)


def decompress(
    data: bytes | memoryview, *, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Image.Image:
    """Restore the picture of an .aei file with the model that it names; see `Codec.decompress`.

    Raises:
        FileFormatError: the file is damaged.
        ModelNotFoundError: its model is not installed.
    """
    header = read_header(data, max_pixels=max_pixels)
    return _open_codec(find_codec(header.model_id)).decompress(data, max_pixels=max_pixels)
