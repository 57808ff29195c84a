"""What the presets of autoencoders have in common: their options, their data and their task.

A preset names its ``MODEL``, a class, and its ``MODEL_OPTIONS``: arguments of the class and their
usual values. ``--set NAME=VALUE`` changes one; ``widths`` are separated by commas. `latent` stands
for `latent_size`, `channels` is 1 for grey and 3 for colour. ``--crop`` is the side to which
pictures are brought.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from aeimage.data.pictures import split
from aeimage.data.small_pictures import load_pictures
from aeimage.errors import UsageError
from aeimage.models.autoencoder import Autoencoder
from aeimage.training.autoencoder_task import AutoencoderTask, PictureSampler
from aeimage.training.request import TrainingRequest

COMMON_OPTIONS: dict[str, Any] = {
    "latent": 16,
    "channels": 1,
    "coder": "dense",
    "widths": (512, 256),
    "blocks": 0,
    "activation": "relu",
    "output_activation": "sigmoid",
    "loss": "mse",
    "dropout": 0.0,
    "l1": 0.0,
    "l2": 0.0,
    "edge_weight": 0.0,
}
ALIASES = {"latent": "latent_size"}
HELD_OUT = 2000


def make_model(
    model: type[Autoencoder], usual: dict[str, Any], side: int, given: dict[str, str]
) -> Autoencoder:
    """Return the untrained model of a preset, built under the current dtype policy.

    Args:
        model: its class.
        usual: options by name, with their usual values.
        side: of the pictures, in pixels.
        given: options that are to be other ones, as text.

    Raises:
        UsageError: an option makes no sense.
    """
    options = {name: _parsed(name, given.get(name), value) for name, value in usual.items()}
    channels = options.pop("channels")
    arguments = {ALIASES.get(name, name): value for name, value in options.items()}
    # A name of its own, not a counted one: checkpoints go by variables' paths.
    made = model((side, side, channels), name=model.family, **arguments)
    made.build()
    return made


def all_options(usual: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """Return every option as text, so that a model can be made again when presets have changed."""
    texts = {name: _as_text(value) for name, value in usual.items() if value is not None}
    return {**texts, **given}


def make_autoencoder_task(
    model: type[Autoencoder],
    usual: dict[str, Any],
    request: TrainingRequest,
    report: Callable[[str], None] = print,
) -> AutoencoderTask:
    """Return the task of a preset, its data loaded.

    Args:
        model, usual: as for `make_model`.
        request: its data may be all that `load_pictures` takes.
        report: function that takes a line of text.
    """
    made = make_model(model, usual, request.crop, request.options)

    def load(names):
        return _load(names, made.shape, report)

    pixels = load(request.data)
    if request.validation_data:
        held_out = load(request.validation_data)[:HELD_OUT]
    else:
        # The test pictures of a data set stay unseen: they are for whoever measures the model.
        pixels, held_out = _split(pixels)
    report(f"{len(pixels):,} pictures to train on, {len(held_out):,} held out")
    sampler = PictureSampler(pixels, request.batch_size, request.seed)
    return AutoencoderTask(made, sampler, held_out, request.seed)


def _load(names, shape, report) -> np.ndarray:
    size, channels = shape[0], shape[2]
    parts = [load_pictures(n, size=size, channels=channels, report=report) for n in names]
    return np.concatenate([part.pixels for part in parts])


def _split(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    training, held_out = split([_Numbered(i) for i in range(len(pixels))], most=HELD_OUT)
    return tuple(pixels[[one.number for one in part]] for part in (training, held_out))


class _Numbered:
    """A picture by its number, which `split` puts in order."""

    def __init__(self, number: int):
        self.number, self.parts = number, (f"{number:09d}",)


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)


def _parsed(name: str, text: str | None, usual: Any) -> Any:
    if text is None:
        return usual
    expected = "a number"
    try:
        if isinstance(usual, bool):
            expected = "yes or no"
            return {"yes": True, "no": False}[text]
        if isinstance(usual, tuple):
            expected = "whole numbers such as 512,256"
            return tuple(int(part) for part in text.split(",") if part)
        if isinstance(usual, str):
            return text
        return int(text) if isinstance(usual, int) else float(text)
    except (KeyError, ValueError) as error:
        raise UsageError.for_value(f"--set {name}", expected, text) from error
