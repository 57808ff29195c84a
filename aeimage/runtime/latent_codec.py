"""Pixels to symbols to bytes, and back, tile by tile and stripe by stripe.

    rgb --analyse--> u (float16, whole picture) --encode_stripes--> hyper bytes, stripe bytes
    rgb <--reconstruct-- z, symbols (whole picture) <--decode_symbols-- hyper bytes, stripe bytes

The file does not know about tiles: every tile runs with a halo as wide as the receptive field. Only
`indexes_of_pass` decides what the decoder can read, and it computes with whole numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aeimage.codec.entropy import SymbolDecoder, SymbolEncoder
from aeimage.codec.stripes import stripe_bounds
from aeimage.errors import MalformedFileError
from aeimage.runtime.bundle import CodecTables
from aeimage.runtime.session import batch
from aeimage.tables import MAX_SYMBOL
from aeimage.tiles import spans, tiles

STRIDE = 16  # pixels to a latent
HYPER = 4  # latents to a hyper-latent
BLOCK = STRIDE * HYPER
PASSES = 4
# Receptive fields to each side (in pixels, latents), rounded up to what the grids divide.
ANALYSIS_HALO = 64
ENCODE_HALO = 28
CONTEXT_HALO = 12
SYNTHESIS_HALO = 8
PIXEL_TILE = 1024
LATENT_TILE = 128
_INT16_MAX = 32767


class Engine(Protocol):
    """What runs the graphs: `aeimage.runtime.session.Session`, or a reference in a test."""

    def run(self, signature: str, **inputs: NDArray) -> dict[str, NDArray]: ...


@dataclass(frozen=True)
class Geometry:
    """Sizes of one picture on every grid."""

    width: int
    height: int

    @property
    def valid(self) -> tuple[int, int]:
        """Rows and columns of latents that cover the picture: those that are coded."""
        return -(-self.height // STRIDE), -(-self.width // STRIDE)

    @property
    def hyper(self) -> tuple[int, int]:
        """Rows and columns of hyper-latents."""
        return -(-self.height // BLOCK), -(-self.width // BLOCK)

    @property
    def latents(self) -> tuple[int, int]:
        """Rows and columns of latents on the padded grid."""
        rows, columns = self.hyper
        return rows * HYPER, columns * HYPER

    def stripes(self) -> list[slice]:
        """Rows of latents of each stripe."""
        rows = self.valid[0]
        return [
            slice(top // STRIDE, min(-(-bottom // STRIDE), rows))
            for top, bottom in stripe_bounds(self.width, self.height)
        ]


def checkerboard(rows: int, columns: int) -> NDArray[np.bool_]:
    """Return True where row + column is even: what the first pass codes."""
    return (np.arange(rows)[:, None] + np.arange(columns)[None, :]) % 2 == 0


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
        groups = [slice(int(a), int(b)) for a, b in zip(starts, starts[1:], strict=False)]
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
            part = (_to_latents(tile.rows), _to_latents(tile.columns))
            u[part] = latents[_to_latents(tile.inner[0]), _to_latents(tile.inner[1])]
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
        hyper = np.empty((*geometry.hyper, self.tables.hyper_index.shape[1]), np.int32)
        stripes = []
        for stripe in geometry.stripes():
            stop = -(-stripe.stop // HYPER) * HYPER
            symbols = np.empty((stop - stripe.start, columns, self.channels), np.int32)
            indexes = np.empty(symbols.shape, np.uint8)
            for tile in self._stripe_tiles(stripe.start, stop, rows, columns, ENCODE_HALO):
                z, q, k = self._encode_window(u, geometry, tile.window, quality, effort)
                inner = tile.inner
                here = (slice(tile.rows.start - stripe.start, tile.rows.stop - stripe.start),)
                symbols[*here, tile.columns] = q[inner]
                indexes[*here, tile.columns] = k[inner]
                hyper[_to_hyper(tile.rows), _to_hyper(tile.columns)] = z[
                    _to_hyper(inner[0]), _to_hyper(inner[1])
                ]
            stripes.append(self._encode_stripe(symbols, indexes, stripe, geometry))
        encoder = SymbolEncoder(self.tables.hyper)
        encoder.put(hyper.ravel(), self._hyper_indexes(geometry, quality))
        return encoder.finish(), stripes

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
        symbols = np.clip(out["symbols"][0], -_INT16_MAX, _INT16_MAX).astype(np.int32)
        return (
            out["hyper_latents"][0].astype(np.int32),
            symbols,
            out["indexes"][0].astype(np.uint8),
        )

    def _encode_stripe(self, symbols, indexes, stripe, geometry) -> bytes:
        encoder = SymbolEncoder(self.tables.latents)
        count, columns = stripe.stop - stripe.start, geometry.valid[1]
        board = checkerboard(count, columns)
        for number, part in enumerate(self._parts):
            chosen = _chosen(board, number)
            q = symbols[:count, :columns, part][chosen]
            k = indexes[:count, :columns, part][chosen]
            encoder.put(q.ravel(), k.ravel())
        return encoder.finish()

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
        rows, columns = geometry.latents
        symbols = np.zeros((rows, columns, self.channels), np.int16)
        decoders = [SymbolDecoder(data, self.tables.latents) for data in stripes]
        bounds = geometry.stripes()
        base = self.tables.base[self.tables.level(quality)]
        valid_columns = geometry.valid[1]
        for number, part in enumerate(self._parts):
            # All stripes of a pass before the next pass: its contexts reach across stripes.
            taken = []
            for stripe, decoder in zip(bounds, decoders, strict=True):
                k = self._indexes(number, z, symbols, base[part], stripe, rows, columns)
                count = stripe.stop - stripe.start
                chosen = _chosen(checkerboard(count, valid_columns), number)
                wanted = k[:count, :valid_columns][chosen]
                values = decoder.take(wanted.ravel())
                if values.size and max(int(values.max()), -int(values.min())) > _INT16_MAX:
                    raise MalformedFileError(
                        f"A symbol exceeds {_INT16_MAX}: no encoder writes this (the format's "
                        f"bound is {MAX_SYMBOL}). Get the file again from where it came from."
                    )
                taken.append((stripe, chosen, values.astype(np.int16).reshape(wanted.shape)))
            for stripe, chosen, values in taken:
                symbols[stripe, :valid_columns, part][chosen] = values
        for decoder in decoders:
            decoder.finish()
        return z, symbols

    def _indexes(self, number, z, symbols, base, stripe, rows, columns) -> NDArray[np.uint8]:
        stop = -(-stripe.stop // HYPER) * HYPER
        result = np.empty((stop - stripe.start, columns, base.size), np.uint8)
        for tile in self._stripe_tiles(stripe.start, stop, rows, columns, CONTEXT_HALO):
            k = self.indexes_of_pass(number, z, symbols, base, tile.window)
            here = slice(tile.rows.start - stripe.start, tile.rows.stop - stripe.start)
            result[here, tile.columns] = k[tile.inner]
        return result

    def indexes_of_pass(self, number, z, symbols, base, window) -> NDArray[np.uint8]:
        """Run the scale network of coding pass 0...3 on a window of the latent grid."""
        rows, columns = window
        contexts = {
            f"symbols_{i}": batch(symbols[rows, columns, part])
            for i, part in enumerate(self._contexts[number])
        }
        out = self.engine.run(
            f"scales_{number}",
            hyper_latents=batch(z[_to_hyper(rows), _to_hyper(columns)]),
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
        rows, columns = geometry.latents
        picture = np.empty((geometry.height, geometry.width, 3), np.uint8)
        size = PIXEL_TILE // STRIDE
        halo = -(-SYNTHESIS_HALO // HYPER) * HYPER
        for tile in tiles(rows, columns, size, halo):
            u_hat = self._dequantise(z, symbols, gain, inverse, tile.window, rows, columns)
            pixels = self.engine.run("synthesis", latents=u_hat[None])["pixels"][0]
            top, left = tile.rows.start * STRIDE, tile.columns.start * STRIDE
            target = picture[
                top : tile.rows.stop * STRIDE, left : tile.columns.stop * STRIDE
            ]
            inner = [slice(s.start * STRIDE, s.stop * STRIDE) for s in tile.inner]
            target[...] = pixels[inner[0], inner[1]][: target.shape[0], : target.shape[1]]
        return picture

    def _dequantise(self, z, symbols, gain, inverse, window, rows, columns):
        outer = tuple(
            slice(max(0, s.start - CONTEXT_HALO), min(n, s.stop + CONTEXT_HALO))
            for s, n in zip(window, (rows, columns), strict=True)
        )
        out = self.engine.run(
            "dequantise",
            hyper_latents=batch(z[_to_hyper(outer[0]), _to_hyper(outer[1])]),
            symbols=batch(symbols[outer]),
            gain=batch(gain[None, None]),
            inverse=batch(inverse[None, None]),
            checker=batch(
                checkerboard(*(s.stop - s.start for s in outer))[..., None]
            ),
        )
        inner = tuple(
            slice(s.start - o.start, s.stop - o.start) for s, o in zip(window, outer, strict=True)
        )
        return np.ascontiguousarray(out["latents"][0][inner])

    # ---- common ------------------------------------------------------------------------------

    def _hyper_indexes(self, geometry: Geometry, quality: float) -> NDArray[np.uint8]:
        row = self.tables.hyper_index[self.tables.level(quality)]
        rows, columns = geometry.hyper
        return np.broadcast_to(row, (rows * columns, row.size)).ravel()

    @staticmethod
    def _stripe_tiles(start, stop, rows, columns, halo):
        """Yield tiles of the latent grid that cover rows start...stop."""
        for part, window, inner in spans(rows, stop - start, halo):
            if part.start != start:
                continue
            for columns_part, columns_window, columns_inner in spans(columns, LATENT_TILE, halo):
                yield _StripeTile(
                    part, columns_part, (window, columns_window), (inner, columns_inner)
                )


@dataclass(frozen=True)
class _StripeTile:
    rows: slice
    columns: slice
    window: tuple[slice, slice]
    inner: tuple[slice, slice]


def _chosen(board: NDArray[np.bool_], number: int) -> NDArray[np.bool_]:
    if number < 2:
        return board if number == 0 else ~board
    return np.ones_like(board)


def _to_latents(part: slice) -> slice:
    return slice(part.start // STRIDE, part.stop // STRIDE)


def _to_hyper(part: slice) -> slice:
    return slice(part.start // HYPER, part.stop // HYPER)


def _padded_window(rgb, rows: slice, columns: slice) -> NDArray[np.uint8]:
    """Cut a window that may reach beyond the picture; its last row and column are repeated."""
    part = rgb[rows, columns]
    missing = (rows.stop - rows.start - part.shape[0], columns.stop - columns.start - part.shape[1])
    if any(missing):
        part = np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), "edge")
    return np.ascontiguousarray(part)
