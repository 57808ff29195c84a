"""Restorers without a model: real tiles and rules, pixels by a few lines of NumPy.

A module of its own, not a fixture, since worker processes import it by name.
"""

from __future__ import annotations

import json
import os
import signal

import numpy as np
from PIL import Image, ImageFilter

from aeimage.runtime import restorer
from aeimage.runtime.restorer import Restorer

MULTIPLE, HALO = 16, 96
# Pictures of this width make the restorer die.
DEADLY = 13


class FakeSession:
    """A median filter for scans; for photographs a blur, whose strength is the noise level."""

    def __init__(self, path, threads=None):
        self.task = path.parent.name
        self.threads = threads
        self.shapes = []

    def run(self, signature, *, pixels, sigma=None):
        assert pixels.dtype == np.float32 and pixels.ndim == 4 and pixels.shape[::3] == (1, 3)
        assert (sigma is not None) == (signature == "denoise" and self.task == "photo")
        self.shapes.append(pixels.shape[1:3])
        if signature == "estimate":
            rows = pixels[0].mean(axis=-1)
            noise = np.median(np.abs(np.diff(rows, axis=1))) / 0.6745 / 2**0.5 * 3**0.5
            return {"sigma": np.array([noise], np.float32)}
        assert all(side % MULTIPLE == 0 for side in pixels.shape[1:3])
        image = Image.fromarray(np.clip(np.rint(pixels[0]), 0, 255).astype(np.uint8))
        if self.task == "scan":
            image = image.filter(ImageFilter.MedianFilter(3))
        else:
            image = image.filter(ImageFilter.BoxBlur(round(float(sigma[0]) / 10)))
        return {"pixels": np.asarray(image, np.float32)[None]}


class FakeRestorer(Restorer):
    session_class = FakeSession

    def restore_picture(self, picture, sigma=None):
        if picture.width == DEADLY:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().restore_picture(picture, sigma)


def write_bundles(folder):
    """Write the manifests of the two restorers into `folder`; there is nothing behind them."""
    for task in ("scan", "photo"):
        bundle = folder / task
        bundle.mkdir(parents=True)
        info = {"format": 1, "name": task, "kind": "restorer", "task": task, "files": {}}
        info |= {"id": f"fa4e{task:0>12}", "multiple": MULTIPLE, "halo": HALO}
        info["kmac_per_pixel"] = 21.5
        (bundle / "model.json").write_text(json.dumps(info))
        (bundle / "README.md").write_text(f"# {task}\n\nA fake.\n")


def install(monkeypatch, folder):
    """Put the fake in the place of the real restorers, and its bundles into `folder`."""
    write_bundles(folder)
    monkeypatch.setattr(restorer, "Restorer", FakeRestorer)
    before = os.environ.get("AEIMAGE_MODELS")
    monkeypatch.setenv("AEIMAGE_MODELS", os.pathsep.join(filter(None, [before, str(folder)])))
    restorer._opened.cache_clear()
    return FakeRestorer


def run_command_line(arguments):
    """Run `aeimage` with the fake restorers; for processes of their own."""
    from aeimage.cli.main import main

    restorer.Restorer = FakeRestorer
    return main(arguments)
