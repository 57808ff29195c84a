"""A masked autoencoder and a colorizer without a network: real tiles, filling and luminance.

A module of its own, not a fixture, since worker processes import it by name.
"""

from __future__ import annotations

import json
import os

import numpy as np

from aeimage.runtime import colorizer, inpainter
from aeimage.runtime.colorizer import Colorizer
from aeimage.runtime.inpainter import Inpainter

MULTIPLE, HALO = 8, 24


class FakeSession:
    """Brightens what was missing by two levels; colours the left half blue, the right half red."""

    def __init__(self, path, threads=None):
        self.shapes = []

    def run(self, signature, **inputs):
        for array in inputs.values():
            assert array.dtype == np.float32 and array.ndim == 4 and len(array) == 1
            assert all(side % MULTIPLE == 0 for side in array.shape[1:3])
        if signature == "inpaint":
            self.shapes.append(inputs["pixels"].shape[1:3])
            return {"pixels": inputs["pixels"] + 2.0 * inputs["mask"]}
        _, height, width, _ = inputs["luminance"].shape
        self.shapes.append((height, width))
        chroma = np.zeros((1, height // 2, width // 2, 2), np.float32)
        chroma[:, :, : width // 4, 0] = 40.0
        chroma[:, :, width // 4 :, 1] = 40.0
        return {"chroma": chroma}


class FakeInpainter(Inpainter):
    session_class = FakeSession


class FakeColorizer(Colorizer):
    session_class = FakeSession


def write_bundles(folder):
    """Write the manifests of both into `folder`; there is nothing behind them."""
    own = {"inpaint": {"kind": "masked", "halo": HALO}}
    own["colorize"] = {"kind": "colorizer", "shorter_side": 64}
    for name, info in own.items():
        (folder / name).mkdir(parents=True)
        info |= {"format": 1, "name": name, "id": f"fa4e{name:0>12}", "files": {}}
        info |= {"multiple": MULTIPLE, "kmac_per_pixel": 8.5}
        (folder / name / "model.json").write_text(json.dumps(info))
        (folder / name / "README.md").write_text(f"# {name}\n\nA fake.\n")


def install(monkeypatch, folder):
    """Put the fakes in the place of the real ones, and their bundles into `folder`."""
    write_bundles(folder)
    monkeypatch.setattr(inpainter, "Inpainter", FakeInpainter)
    monkeypatch.setattr(colorizer, "Colorizer", FakeColorizer)
    before = os.environ.get("AEIMAGE_MODELS")
    monkeypatch.setenv("AEIMAGE_MODELS", os.pathsep.join(filter(None, [before, str(folder)])))
    for module in (inpainter, colorizer):
        module._opened.cache_clear()
