"""JPEG artefacts: the lossy steps of baseline JPEG (ITU-T T.81), without the bit stream."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from aeimage.corruption.base import Corruption, RangeLike

# Tables K.1 and K.2 of ITU-T T.81, for luma and chroma, row by row.
_LUMA = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61],
        [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56],
        [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77],
        [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101],
        [72, 92, 95, 98, 112, 100, 103, 99],
    ],
    "float32",
)
_CHROMA = np.full((8, 8), 99, "float32")
_CHROMA[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

# JFIF's YCbCr of RGB, one column for each of Y, Cb, Cr (before Cb and Cr are centred at 128).
_TO_YCC = np.array(
    [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]], "float32"
)
_TO_RGB = np.linalg.inv(_TO_YCC).astype("float32")


def _dct_basis() -> np.ndarray:
    """Return the orthonormal 8x8 DCT: (64 pixels, 64 coefficients), both row by row."""
    k, n = np.mgrid[:8, :8]
    dct = 0.5 * np.cos(np.pi * (2 * n + 1) * k / 16)
    dct[0] *= np.sqrt(0.5)
    return np.kron(dct, dct).T.astype("float32")


_DCT = _dct_basis()


def _quantised(planes, table):
    """Round the 8x8 DCT coefficients of `planes` (n, h, w, 1), sides divisible by 8.

    Args:
        table: step sizes, (n, 1, 1, 64).
    """
    coefficients = ops.conv(planes - 128.0, _DCT.reshape(8, 8, 1, 64), strides=8, padding="valid")
    coefficients = ops.round(coefficients / table) * table
    return ops.nn.depth_to_space(ops.matmul(coefficients, _DCT.T), 8) + 128.0


@keras.saving.register_keras_serializable("aeimage")
class JPEGArtefacts(Corruption):
    """Does to pictures what writing and reading them as JPEG would.

    Standard tables scaled by quality as in libjpeg, YCbCr with chroma at half resolution (4:2:0) or
    not, integer rounding where files have it: within rounding of what Pillow makes. The result is
    clipped and rounded to whole levels. Not differentiable.

    Args:
        quality: 1…100, rounded to a whole number.
        subsampling: chroma at half resolution, as most cameras have it.
        aligned: the grid of 8x8 blocks starts in the upper left corner, as in a file. False: it
            lies anywhere, as in a crop of a file; one draw for the batch.
    """

    def __init__(
        self,
        quality: RangeLike = (10.0, 95.0),
        subsampling: bool = True,
        aligned: bool = True,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.quality = self.ranged("quality", quality, minimum=1.0, maximum=100.0)
        self.subsampling = subsampling
        self.aligned = aligned

    def damage(self, images, draws):
        (quality,) = draws.per_picture(self.quality)
        quality = ops.round(quality)
        scale = ops.where(quality < 50.0, ops.floor(5000.0 / quality), 200.0 - 2.0 * quality)
        channels = images.shape[-1]
        block = 16 if self.subsampling and channels == 3 else 8
        images = ops.round(ops.clip(images, 0.0, 255.0))
        _, height, width, _ = draws.shape
        # The picture's edge is repeated around it to make whole blocks.
        if self.aligned:
            before = np.zeros(2, "int32")
        else:
            before = ops.cast(ops.floor(draws.uniform(2) * block), "int32")
        span = 0 if self.aligned else block
        rows = ops.arange(-(-(height + span) // block) * block, dtype="int32") - before[0]
        columns = ops.arange(-(-(width + span) // block) * block, dtype="int32") - before[1]
        padded = ops.take(images, ops.clip(rows, 0, height - 1), axis=1)
        padded = ops.take(padded, ops.clip(columns, 0, width - 1), axis=2)
        coded = self._coded_colour(padded, scale) if channels == 3 else self._coded(padded, scale)
        coded = ops.take(coded, ops.arange(height, dtype="int32") + before[0], axis=1)
        coded = ops.take(coded, ops.arange(width, dtype="int32") + before[1], axis=2)
        return ops.clip(ops.round(coded), 0.0, 255.0)

    @staticmethod
    def _coded(planes, scale, base=_LUMA):
        table = ops.floor((base.reshape(1, 1, 1, 64) * scale + 50.0) / 100.0)
        return _quantised(planes, ops.clip(table, 1.0, 255.0))

    def _coded_colour(self, images, scale):
        ycc = ops.round(ops.matmul(images, _TO_YCC) + np.array([0.0, 128.0, 128.0], "float32"))
        luma, chroma = ycc[..., :1], ycc[..., 1:]
        _, height, width, _ = ops.shape(images)
        if self.subsampling:
            chroma = ops.round(ops.average_pool(chroma, 2, strides=2))
        planes = ops.concatenate([chroma[..., :1], chroma[..., 1:]], axis=0)
        planes = self._coded(planes, ops.concatenate([scale, scale], axis=0), _CHROMA)
        chroma = ops.clip(ops.round(ops.concatenate(ops.split(planes, 2, axis=0), axis=-1)), 0, 255)
        if self.subsampling:
            # Half-pixel centres: the triangle filter that libjpeg calls "fancy upsampling".
            chroma = ops.image.resize(chroma, (height, width), interpolation="bilinear")
        luma = ops.clip(ops.round(self._coded(luma, scale)), 0.0, 255.0)
        return ops.matmul(ops.concatenate([luma, chroma - 128.0], axis=-1), _TO_RGB)

    def get_config(self):
        options = {"subsampling": self.subsampling, "aligned": self.aligned}
        return {**super().get_config(), **options}
