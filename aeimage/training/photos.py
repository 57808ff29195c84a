"""The data of presets that train on photographs: crops in memory, and pictures held out."""

import numpy as np

from aeimage.data.crops import CropSampler
from aeimage.data.examples import find_pictures
from aeimage.data.pictures import centre_crop, decode_all, split
from aeimage.errors import UsageError
from aeimage.training.request import TrainingRequest


def load_photos(
    request: TrainingRequest, report=print, *, most: int = 24
) -> tuple[CropSampler, list[np.ndarray]]:
    """Return a sampler of training crops, and held-out pictures.

    Args:
        request: names the folders, crop and batch size and seed.
        report: function that takes a line of text.
        most: number of pictures held out at most.

    Returns:
        the sampler, and pictures uint8 (height, width, 3) of at most 512x512, sides divisible by
        64.

    Raises:
        UsageError: there are no pictures to train on or to validate with.
    """
    paths = find_pictures(request.data, report)
    if request.validation_data:
        training, held_out = paths, find_pictures(request.validation_data, report)[:most]
    else:
        training, held_out = split(paths, most=most)
    validation = [centre_crop(rgb) for rgb in decode_all(held_out, report)]
    validation = [rgb for rgb in validation if rgb is not None]
    if not validation:
        raise UsageError(
            f"No readable held-out picture of at least 64x64 pixels among {len(held_out)} files. "
            "Training keeps the weights that do best on such pictures. Give more or larger ones, "
            "or a folder of their own (`validation_data`, --validation-data)."
        )
    sampler = CropSampler(
        training,
        size=request.crop,
        batch_size=request.batch_size,
        seed=request.seed,
        report=report,
    )
    report(
        f"{len(training)} pictures to train on ({len(sampler.pictures)} with their reduced copies "
        f"in memory), {len(validation)} held out"
    )
    return sampler, validation
