"""The photo codec: rate-distortion training at all qualities at once.

    aeimage train codec --data PHOTOS --out runs/codec

Takes 0.25 s a step on 2 CPU cores with AMX (batch 8 of 256x256, mixed_bfloat16): 20,000 steps in
an hour and a half. Expect to pass JPEG XL on Kodak after about 2,500 steps and WebP soon after;
docs/training-log.md lists what the shipped weights reached and when. The learning rate falls along
a cosine to the last step, so choose `--steps` before you start; a finished run can be continued
from its weights with `--init`.
"""

from aeimage.models.transforms import CodecConfig
from aeimage.training.codec_task import CodecTask
from aeimage.training.photos import load_photos
from aeimage.training.request import TrainingRequest

KIND = "codec"
CONFIG = CodecConfig()
CROP = 256
CROP_MULTIPLE = 64
BATCH_SIZE = 8
STEPS = 100_000
LEARNING_RATE = 4e-4
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> CodecTask:
    """Return the task of this preset, its data loaded."""
    return CodecTask(*load_photos(request, report), config=CONFIG, seed=request.seed)
