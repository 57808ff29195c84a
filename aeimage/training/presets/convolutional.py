"""The convolutional autoencoder: small pictures to a few numbers and back.

    aeimage train convolutional --data MNIST --out runs/convolutional --set latent=16

DATA is a folder with MNIST's IDX files, one of pictures, `tfds:NAME` or `digits`; pictures are
brought to --crop pixels a side. All options: `aeimage.training.autoencoder_preset`.
"""

from aeimage.models.convolutional import ConvolutionalAutoencoder
from aeimage.training.autoencoder_preset import COMMON_OPTIONS, make_autoencoder_task
from aeimage.training.autoencoder_task import AutoencoderTask
from aeimage.training.request import TrainingRequest

KIND = "autoencoder"
MODEL = ConvolutionalAutoencoder
MODEL_OPTIONS = COMMON_OPTIONS | {"coder": "convolutional", "widths": (32, 64)}
ACCEPTS = tuple(MODEL_OPTIONS)
MODEL_SETTINGS = (*ACCEPTS, "crop")
CROP = 28
CROP_MULTIPLE = 1
BATCH_SIZE = 128
STEPS = 20_000
LEARNING_RATE = 1e-3
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> AutoencoderTask:
    """Return the task of this preset, its data loaded."""
    return make_autoencoder_task(MODEL, MODEL_OPTIONS, request, report)
