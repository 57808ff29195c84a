"""A codec of a hundredth of the size, for tests and first tries: it learns in seconds.

    aeimage train codec-tiny --data PHOTOS --out runs/tiny --steps 200

Works like the full one in every respect; expect files half as large again.
"""

from aeimage.models.transforms import CodecConfig
from aeimage.training.codec_task import CodecTask

KIND = "codec"
CONFIG = CodecConfig(slices=(12, 20, 32), hyper=16, entropy=16, width=8, blocks=1)
CROP = 64
BATCH_SIZE = 4
STEPS = 200
LEARNING_RATE = 1e-3
PRECISION = "float32"


def make_task(sampler, validation, seed: int) -> CodecTask:
    """Return the task of this preset."""
    return CodecTask(sampler, validation, config=CONFIG, seed=seed, hyper_warmup=50)
