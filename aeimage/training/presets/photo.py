"""The photo restorer: Gaussian noise of any level, sensor noise and JPEG artefacts, one model.

    aeimage train photo --data PHOTOS --out runs/photo

Takes 0.26 s a step on one CPU core with AMX (batch 8 of 128x128, mixed_bfloat16);
docs/training-log.md lists what the shipped weights reached and when. Photographs that were saved as
JPEG teach the model to keep JPEG's artefacts: give reduced or lossless ones.
"""

from aeimage.corruption import PhotoDamage
from aeimage.models.restorer import RestorerConfig
from aeimage.training.photos import load_photos
from aeimage.training.request import TrainingRequest
from aeimage.training.restorer_task import PhotoTask

KIND = "restorer"
CONFIG = RestorerConfig(
    widths=(48, 80, 128), encoder_blocks=(3, 3, 2), decoder_blocks=(3, 3), level_map=True
)
CROP = 128
CROP_MULTIPLE = 64
BATCH_SIZE = 8
STEPS = 100_000
LEARNING_RATE = 8e-4
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> PhotoTask:
    """Return the task of this preset, its data loaded."""
    photos = load_photos(request, report, most=12)
    damage = PhotoDamage(shot=0.2, jpeg=0.16)
    return PhotoTask(*photos, config=CONFIG, damage=damage, seed=request.seed)
