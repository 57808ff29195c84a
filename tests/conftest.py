"""Fixtures that several parts of the suite share."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

# Native log lines of TensorFlow would drown those of the tests.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def draw():
    """A function (seed, width, height) that draws a picture: uint8 (height, width, 3)."""
    return _draw


def _draw(seed: int, width: int, height: int) -> np.ndarray:
    # Gradients, edges and grain.
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype("float32")
    planes = []
    for _ in range(3):
        a, b, c, d = rng.uniform(-0.08, 0.08, 4)
        plane = 128 + 60 * np.sin(a * x + b * y) + 40 * np.sign(np.sin(c * x + d * y + 1))
        planes.append(plane + rng.normal(0, 3, plane.shape))
    return np.clip(np.stack(planes, -1), 0, 255).astype("uint8")


@pytest.fixture(scope="session")
def one_thread():
    """NumPy and scikit-learn on one core: on a busy machine, two that wait for each other crawl."""
    threadpoolctl = pytest.importorskip("threadpoolctl")  # comes with scikit-learn
    with threadpoolctl.threadpool_limits(1):
        yield


@pytest.fixture(scope="session")
def photo_folder(tmp_path_factory) -> Path:
    """A folder tree with five drawn pictures and a file that is none."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "sub").mkdir()
    for i in range(5):
        name = folder / ("sub" if i % 2 else ".") / f"{i}.png"
        Image.fromarray(_draw(i, 160 + 32 * i, 128 + 16 * i)).save(name)
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture(scope="session")
def tiny_run(photo_folder, tmp_path_factory) -> Path:
    """The folder of a finished run of the smallest preset."""
    pytest.importorskip("tensorflow", reason="training needs the train extra")
    from aeimage.training.request import TrainingRequest
    from aeimage.training.run import train

    out = tmp_path_factory.mktemp("runs") / "tiny"
    train(
        TrainingRequest("codec-tiny", [photo_folder], out, steps=60, log_every=20),
        report=lambda line: None,
    )
    return out


@pytest.fixture(scope="session")
def tiny_bundle(tiny_run, tmp_path_factory) -> Path:
    """The bundle that is made of `tiny_run`."""
    from aeimage.export.run import export_run

    out = tmp_path_factory.mktemp("models") / "tiny"
    export_run(tiny_run, out, crops=2)
    return out
