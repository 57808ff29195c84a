"""Pixels to symbols to bytes, and back, tile by tile and stripe by stripe.

    rgb --analyse--> u (float16, whole picture) --encode--> hyper bytes, stripe bytes
    rgb <--reconstruct-- z, symbols (whole picture) <--decode_symbols-- hyper bytes, stripe bytes

The file does not know about tiles: every tile runs with a halo as wide as the receptive field. Only
`indexes_of_pass` decides what the decoder can read, and it computes with whole numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from types import EllipsisType
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aeimage.codec.entropy import SymbolDecoder, SymbolEncoder
from aeimage.errors import MalformedFileError
from aeimage.runtime.bundle import CodecTables
from aeimage.runtime.geometry import (
    STRIDE,
    Geometry,
    checkerboard,
    padded_rows,
    to_hyper,
    to_latents,
    to_pixels,
)
from aeimage.runtime.session import batch
from aeimage.tables import MAX_SYMBOL
from aeimage.tiles import row_of_tiles, tiles, with_halo

PASSES = 4
# Receptive fields to each side, rounded up to what the grids divide: of "analysis" in pixels, of
# the others in latents. Tests compute them from a model's layers.
ANALYSIS_HALO = 64
ENCODE_HALO = 16
SCALES_HALO = 4
DEQUANTISE_HALO = 8
SYNTHESIS_HALO = 4
PIXEL_TILE = 1024
# A window of "encode" takes about 30 kB of working memory a latent.
LATENT_TILE = 64
BAND_LATENTS = 2**16  # symbols and indices of so many are held at once: 75 MB
_INT16_MAX = 32767


class Engine(Protocol):
    """What runs the graphs: `aeimage.runtime.session.Session`, or a reference in a test."""

    def run(self, signature: str, **inputs: NDArray) -> dict[str, NDArray]: ...


class LatentCodec:
    """A codec's networks and tables at work on arrays.

    Args:
        engine: runs the graphs.
        tables: of the same bundle.
        slices: latent channels of the three groups (the first is coded in two passes).
    """

    def __init__(self, engine: Engine, tables: CodecTables, slices: tuple[int, int, int]) -> None:
        self.engine = engine
        self.tables = tables
        starts = np.cumsum([0, *slices])
        groups = [slice(int(a), int(b)) for a, b in pairwise(starts)]
        self._parts = (groups[0], groups[0], groups[1], groups[2])
        self._contexts = ((), (groups[0],), (groups[0],), (groups[0], groups[1]))
        self.channels = int(starts[-1])

    # ---- encoding ----------------------------------------------------------------------------

    def analyse(self, rgb: NDArray[np.uint8]) -> NDArray[np.float16]:
        """Run the analysis transform, which does not depend on quality.

        Args:
            rgb: uint8 (height, width, 3).

        Returns:
            float16 (latent rows, latent columns, channels), on the grid padded to blocks of 64
            pixels (the border repeated).
        """
        geometry = Geometry(rgb.shape[1], rgb.shape[0])
        rows, columns = geometry.latents
        u = np.empty((rows, columns, self.channels), np.float16)
        for tile in tiles(rows * STRIDE, columns * STRIDE, PIXEL_TILE, ANALYSIS_HALO):
            window = _padded_window(rgb, *tile.window)
            latents = self.engine.run("analysis", pixels=window[None])["latents"][0]
            part = (to_latents(tile.rows), to_latents(tile.columns))
            u[part] = latents[to_latents(tile.inner[0]), to_latents(tile.inner[1])]
        return u

    def encode(
        self, u: NDArray[np.float16], geometry: Geometry, quality: float, effort: int = 0
    ) -> tuple[bytes, list[bytes]]:
        """Quantise and code latents.

        Args:
            u: what `analyse` gave.
            geometry: of the picture.
            quality: 0 to 100.
            effort: row of the rounding offsets.

        Returns:
            the bytes of the hyper-latents, and those of each stripe.
        """
        rows, columns = geometry.latents
        hyper = np.empty((*geometry.hyper, self.tables.hyper_index.shape[1]), np.int8)
        symbols = np.empty((rows, columns, self.channels), np.int16)
        windows = list(tiles(rows, columns, LATENT_TILE, ENCODE_HALO))
        indexes = None
        for tile in windows:
            z, q, k = self._encode_window(u, geometry, tile.window, quality, effort)
            symbols[tile.rows, tile.columns] = q[tile.inner]
            hyper[to_hyper(tile.rows), to_hyper(tile.columns)] = z[
                to_hyper(tile.inner[0]), to_hyper(tile.inner[1])
            ]
            # The windows of several tiles overlap: that their float networks agree there to the
            # last bit is likely, not certain. Then the indexes are taken as the decoder does.
            indexes = k if len(windows) == 1 else None
        encoders = [SymbolEncoder(self.tables.latents) for _ in geometry.stripes()]
        for number, coded, chosen, wanted in self._coded(
            hyper, symbols, geometry, quality, indexes
        ):
            values = coded[chosen]
            if indexes is None:
                values = np.where(wanted > 0, values, 0)
                coded[chosen] = values
            encoders[number].put(values.ravel().astype(np.int32), wanted.ravel())
        encoder = SymbolEncoder(self.tables.hyper)
        encoder.put(hyper.ravel().astype(np.int32), self._hyper_indexes(geometry, quality))
        return encoder.finish(), [encoder.finish() for encoder in encoders]

    def _encode_window(self, u, geometry, window, quality, effort):
        gain, inverse = self.tables.gains(quality)
        base = self.tables.base[self.tables.level(quality)]
        rows, columns = window
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        valid = np.zeros((*shape, 1), np.float32)
        valid_rows, valid_columns = geometry.valid
        valid[: max(0, valid_rows - rows.start), : max(0, valid_columns - columns.start)] = 1.0
        out = self.engine.run(
            "encode",
            latents=batch(u[window]),
            gain=batch(gain[None, None]),
            inverse=batch(inverse[None, None]),
            base=batch(base[None, None]),
            checker=batch(checkerboard(*shape)[..., None]),
            valid=batch(valid),
            rounding=self.tables.rounding[effort],
        )
        symbols = np.clip(out["symbols"][0], -_INT16_MAX, _INT16_MAX).astype(np.int16)
        indexes = out["indexes"][0].astype(np.uint8)
        return out["hyper_latents"][0].astype(np.int8), symbols, indexes

    # ---- decoding ----------------------------------------------------------------------------

    def decode_symbols(
        self, hyper: bytes, stripes: list[bytes], geometry: Geometry, quality: float
    ) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
        """Read all symbols; integer arithmetic alone decides how.

        Returns:
            hyper-latents, int8 (rows, columns, channels), and symbols, int16 (latent rows, latent
            columns, channels) on the padded grid.

        Raises:
            MalformedFileError: the bytes are not what an encoder writes.
        """
        decoder = SymbolDecoder(hyper, self.tables.hyper)
        z = decoder.take(self._hyper_indexes(geometry, quality))
        decoder.finish()
        if z.size and max(int(z.max()), -int(z.min())) > 63:
            raise MalformedFileError(
                "A hyper-latent exceeds 63: no encoder writes this. Get the file again from where "
                "it came from."
            )
        z = z.reshape(*geometry.hyper, -1).astype(np.int8)
        symbols = np.zeros((*geometry.latents, self.channels), np.int16)
        decoders = [SymbolDecoder(data, self.tables.latents) for data in stripes]
        for number, coded, chosen, wanted in self._coded(z, symbols, geometry, quality):
            values = decoders[number].take(wanted.ravel())
            if values.size and max(int(values.max()), -int(values.min())) > _INT16_MAX:
                raise MalformedFileError(
                    f"A symbol exceeds {_INT16_MAX}: no encoder writes this (the format's bound is "
                    f"{MAX_SYMBOL}). Get the file again from where it came from."
                )
            coded[chosen] = values.astype(np.int16).reshape(wanted.shape)
        for decoder in decoders:
            decoder.finish()
        return z, symbols

    def _coded(
        self, z, symbols, geometry, quality, indexes=None
    ) -> Iterator[
        tuple[int, NDArray[np.int16], NDArray[np.bool_] | EllipsisType, NDArray[np.uint8]]
    ]:
        """Go through all symbols in the order in which files hold them, encoding and decoding.

        Args:
            z, symbols: as `decode_symbols` returns them; of the symbols, those that passes before
                the current one code must be final.
            geometry, quality: of the picture.
            indexes: the scale indices of all symbols, where they are known already.

        Yields:
            the number of a stripe; the view of `symbols` that a pass codes of it; an index of the
            coded positions in that; and their scale indices.
        """
        base = self.tables.base[self.tables.level(quality)]
        columns = slice(0, geometry.valid[1])
        for number, part in enumerate(self._parts):
            # All stripes of a pass before the next pass: its contexts reach across stripes.
            count = 0
            for band in _bands(geometry):
                whole = padded_rows(band)
                if indexes is None:
                    k = self._indexes(number, z, symbols, base[part], whole, geometry)
                else:
                    k = indexes[whole, :, part]
                for stripe in band:
                    rows = slice(stripe.start - whole.start, stripe.stop - whole.start)
                    wanted = k[rows, columns]
                    chosen = _chosen(*wanted.shape[:2], number)
                    yield count, symbols[stripe, columns, part], chosen, wanted[chosen]
                    count += 1

    def _indexes(self, number, z, symbols, base, part, geometry) -> NDArray[np.uint8]:
        result = np.empty((part.stop - part.start, geometry.latents[1], base.size), np.uint8)
        for tile in row_of_tiles(part, *geometry.latents, LATENT_TILE, SCALES_HALO):
            indexes = self.indexes_of_pass(number, z, symbols, base, tile.window)
            result[:, tile.columns] = indexes[tile.inner]
        return result

    def indexes_of_pass(self, number, z, symbols, base, window) -> NDArray[np.uint8]:
        """Run the scale network of coding pass 0...3 on a window of the latent grid."""
        rows, columns = window
        contexts = {
            f"symbols_{i}": batch(symbols[rows, columns, part])
            for i, part in enumerate(self._contexts[number])
        }
        if number == 1:
            # The second pass sees the black squares alone, also where the white ones are known.
            board = checkerboard(rows.stop - rows.start, columns.stop - columns.start)
            contexts["symbols_0"] *= board[None, :, :, None]
        out = self.engine.run(
            f"scales_{number}",
            hyper_latents=batch(z[to_hyper(rows), to_hyper(columns)]),
            base=batch(base[None, None]),
            **contexts,
        )
        return out["indexes"][0].astype(np.uint8)

    def reconstruct(
        self,
        z: NDArray[np.int8],
        symbols: NDArray[np.int16],
        geometry: Geometry,
        quality: float,
    ) -> NDArray[np.uint8]:
        """Run the mean network and the synthesis transform.

        Returns:
            uint8 (height, width, 3).
        """
        gain, inverse = self.tables.gains(quality)
        picture = np.empty((geometry.height, geometry.width, 3), np.uint8)
        for tile in tiles(*geometry.latents, PIXEL_TILE // STRIDE, SYNTHESIS_HALO):
            u_hat = self._dequantise(z, symbols, gain, inverse, tile.window, geometry)
            pixels = self.engine.run("synthesis", latents=u_hat[None])["pixels"][0]
            # A slice of the picture ends at its border, where the padded grid goes on.
            target = picture[to_pixels(tile.rows), to_pixels(tile.columns)]
            inner = pixels[to_pixels(tile.inner[0]), to_pixels(tile.inner[1])]
            target[...] = inner[: target.shape[0], : target.shape[1]]
        return picture

    def _dequantise(self, z, symbols, gain, inverse, part, geometry) -> NDArray[np.float32]:
        (rows, inner_rows), (columns, inner_columns) = (
            with_halo(s, length, DEQUANTISE_HALO)
            for s, length in zip(part, geometry.latents, strict=True)
        )
        shape = (rows.stop - rows.start, columns.stop - columns.start)
        out = self.engine.run(
            "dequantise",
            hyper_latents=batch(z[to_hyper(rows), to_hyper(columns)]),
            symbols=batch(symbols[rows, columns]),
            gain=batch(gain[None, None]),
            inverse=batch(inverse[None, None]),
            checker=batch(checkerboard(*shape)[..., None]),
        )
        return np.ascontiguousarray(out["latents"][0][inner_rows, inner_columns])

    # ---- common ------------------------------------------------------------------------------

    def _hyper_indexes(self, geometry: Geometry, quality: float) -> NDArray[np.uint8]:
        row = self.tables.hyper_index[self.tables.level(quality)]
        rows, columns = geometry.hyper
        return np.broadcast_to(row, (rows * columns, row.size)).ravel()


def _bands(geometry: Geometry) -> list[list[slice]]:
    return geometry.bands(min(LATENT_TILE, BAND_LATENTS // geometry.latents[1]))


def _chosen(rows: int, columns: int, number: int) -> NDArray[np.bool_] | EllipsisType:
    """Return an index of the positions that a pass codes: black, white, or all squares."""
    if number > 1:
        return ...
    board = checkerboard(rows, columns)
    return board if number == 0 else ~board


def _padded_window(rgb, rows: slice, columns: slice) -> NDArray[np.uint8]:
    """Cut a window that may reach beyond the picture; its last row and column are repeated."""
    part = rgb[rows, columns]
    missing = (rows.stop - rows.start - part.shape[0], columns.stop - columns.start - part.shape[1])
    if any(missing):
        part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
    return np.ascontiguousarray(part)
