"""A codec of a hundredth of the size, for tests and first tries: it learns in seconds.

    aeimage train codec-tiny --data PHOTOS --out runs/tiny --steps 200

Works like the full one in every respect; expect files half as large again.
"""

from aeimage.models.transforms import CodecConfig
from aeimage.training.codec_task import CodecTask
from aeimage.training.photos import load_photos
from aeimage.training.request import TrainingRequest

KIND = "codec"
CONFIG = CodecConfig(slices=(12, 20, 32), hyper=16, entropy=16, width=8, blocks=1)
CROP = 64
CROP_MULTIPLE = 64
BATCH_SIZE = 4
STEPS = 200
LEARNING_RATE = 1e-3
PRECISION = "float32"


def make_task(request: TrainingRequest, report=print) -> CodecTask:
    """Return the task of this preset, its data loaded."""
    photos = load_photos(request, report)
    return CodecTask(*photos, config=CONFIG, seed=request.seed, hyper_warmup=50)
