"""The masked autoencoder for photographs: missing pixels, scratches and boxes, one model.

    aeimage train masked --data PHOTOS --out runs/inpaint --set start=saved_models/restore-photo

`start` takes over the weights of a photo restorer, which knows photographs already (of its blocks,
as many as there are here); without it the model starts from nothing. Takes 0.3 s a step on 2 CPU
cores with AMX (batch 16 of 128x128, mixed_bfloat16). Expect 2 dB more than pull-push on missing
pixels after some hundred steps.
"""

from pathlib import Path

from aeimage.corruption import MissingParts
from aeimage.models.skip_autoencoder import SkipConfig
from aeimage.training.masked_task import MaskedTask
from aeimage.training.photos import load_photos
from aeimage.training.presets import photo
from aeimage.training.request import TrainingRequest

KIND = "masked"
ACCEPTS = ("start",)
CONFIG = SkipConfig(widths=(48, 80, 128), encoder_blocks=(2, 2, 2), decoder_blocks=(2, 2))
CROP = 128
CROP_MULTIPLE = 64
BATCH_SIZE = 16
STEPS = 20_000
LEARNING_RATE = 8e-4
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> MaskedTask:
    """Return the task of this preset, its data loaded."""
    photos = load_photos(request, report, most=12)
    start = request.options.get("start")
    return MaskedTask(
        *photos,
        config=CONFIG,
        masks=MissingParts(),
        start=None if start is None else Path(start),
        start_config=photo.CONFIG,
        seed=request.seed,
    )
