"""The colorizer: colours for grey photographs, seen as a whole and reduced.

    aeimage train colorizer --data PHOTOS --out runs/colorize

Photographs are reduced to a shorter side of 288 pixels first. Takes 0.3 s a step on 2 CPU cores
with AMX (batch 16 of 192x192, mixed_bfloat16). Of a few hundred photographs it learns within a
thousand steps that skies are blue and most else is brown: give it many thousands, and time.
"""

import numpy as np
from PIL import Image

from aeimage.data.crops import CropSampler, load_ahead
from aeimage.data.examples import find_pictures
from aeimage.data.pictures import Example, centre_crop, decode, split
from aeimage.errors import UsageError
from aeimage.models.skip_autoencoder import SkipConfig
from aeimage.training.colorizer_task import ColorizerTask
from aeimage.training.request import TrainingRequest

KIND = "colorizer"
CONFIG = SkipConfig(
    widths=(32, 48, 80, 112, 128), encoder_blocks=(1, 1, 2, 2, 2), decoder_blocks=(1, 1, 1, 1)
)
SHORTER_SIDE = 288
CROP = 192
CROP_MULTIPLE = 32
BATCH_SIZE = 16
STEPS = 20_000
LEARNING_RATE = 8e-4
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> ColorizerTask:
    """Return the task of this preset, its data loaded."""
    paths = find_pictures(request.data, report)
    if request.validation_data:
        training, held_out = paths, find_pictures(request.validation_data, report)[:24]
    else:
        training, held_out = split(paths)
    crops = [centre_crop(e.pixels, multiple=CROP_MULTIPLE) for e in _reduced(held_out, report)]
    validation = [rgb for rgb in crops if rgb is not None]
    if not validation:
        raise UsageError(
            f"No readable held-out picture of {CROP_MULTIPLE}x{CROP_MULTIPLE} pixels or more among "
            f"{len(held_out)} files. Give more or larger ones, or a folder of their own "
            "(`validation_data`, --validation-data)."
        )
    sampler = CropSampler(
        _reduced(training, report),
        size=request.crop,
        batch_size=request.batch_size,
        seed=request.seed,
        report=report,
    )
    report(f"{len(training)} pictures to train on, {len(validation)} held out")
    return ColorizerTask(sampler, validation, config=CONFIG, seed=request.seed)


def _reduced(paths, report) -> list[Example]:
    """Decode and reduce pictures; unreadable ones are reported and left out."""
    pictures = load_ahead(lambda path: _reduce(path, report), paths)
    return [picture for picture in pictures if picture is not None]


def _reduce(path, report) -> Example | None:
    rgb = decode(path, report)
    if rgb is None:
        return None
    share = SHORTER_SIDE / min(rgb.shape[:2])
    if share < 1.0:
        size = [max(SHORTER_SIDE, round(n * share)) for n in rgb.shape[1::-1]]
        rgb = np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.LANCZOS))
    return Example(path.parts, rgb)
