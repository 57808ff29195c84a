"""The convolutional autoencoder for colour photographs behind `aeimage features` and `similar`.

    aeimage train features --data PHOTOS --out runs/features

It sees random squares of photographs, of all sizes, brought to --crop pixels a side. All options:
`aeimage.training.autoencoder_preset`; pictures are in colour.
"""

import numpy as np

from aeimage.data.examples import find_pictures
from aeimage.data.pictures import decode_all, split
from aeimage.data.small_pictures import fit_picture
from aeimage.data.squares import SquareSampler
from aeimage.errors import UsageError
from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.training.autoencoder_preset import COMMON_OPTIONS, make_model
from aeimage.training.autoencoder_task import AutoencoderTask
from aeimage.training.request import TrainingRequest

KIND = "autoencoder"
MODEL = ConvolutionalAutoencoder
MODEL_OPTIONS = COMMON_OPTIONS | {
    "latent": 128,
    "channels": 3,
    "coder": "convolutional",
    "widths": (32, 64, 96, 128),
    "output_activation": "linear",
}
ACCEPTS = tuple(name for name in MODEL_OPTIONS if name != "channels")
MODEL_SETTINGS = (*ACCEPTS, "crop")
CROP = 64
CROP_MULTIPLE = 1
BATCH_SIZE = 64
STEPS = 5_000
LEARNING_RATE = 1e-3
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> AutoencoderTask:
    """Return the task of this preset, its data loaded."""
    model = make_model(MODEL, MODEL_OPTIONS, request.crop, request.options)
    paths = find_pictures(request.data, report)
    if request.validation_data:
        training, held_out = paths, find_pictures(request.validation_data, report)
    else:
        training, held_out = split(paths)
    sampler = SquareSampler(
        training,
        size=request.crop,
        batch_size=request.batch_size,
        seed=request.seed,
        report=report,
    )
    validation = [fit_picture(rgb, request.crop, 3) for rgb in decode_all(held_out, report)]
    if not validation:
        raise UsageError(
            f"None of {len(held_out)} held-out pictures can be read. Training keeps the weights "
            "that do best on such pictures. Give others (`validation_data`, --validation-data)."
        )
    report(f"{len(sampler.pictures)} pictures to train on, {len(validation)} held out")
    return AutoencoderTask(model, sampler, np.stack(validation), request.seed, threads=4)
