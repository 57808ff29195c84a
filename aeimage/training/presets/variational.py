"""The variational autoencoder: draws pictures like those that it was shown.

    aeimage train variational --data MNIST --out runs/variational --set latent=32 binarize=yes
    aeimage export runs/variational --out models/mine && aeimage generate models/mine -o grid.png

DATA is a folder with MNIST's IDX files, one of pictures, `tfds:NAME` or `digits`; pictures are
brought to --crop pixels a side. All options: `aeimage.training.autoencoder_preset`.
Of its own: `beta`, and `binarize`, which draws a black-and-white picture anew whenever one is
trained on.
"""

from aeimage.models.variational import VariationalAutoencoder
from aeimage.training.autoencoder_preset import COMMON_OPTIONS, make_autoencoder_task
from aeimage.training.autoencoder_task import AutoencoderTask
from aeimage.training.request import TrainingRequest

KIND = "autoencoder"
MODEL = VariationalAutoencoder
MODEL_OPTIONS = COMMON_OPTIONS | {
    "latent": 32,
    "coder": "convolutional",
    "widths": (32, 64, 128),
    "activation": "silu",
    "loss": "binary_crossentropy",
    "beta": 1.0,
    "binarize": False,
}
ACCEPTS = tuple(MODEL_OPTIONS)
MODEL_SETTINGS = (*ACCEPTS, "crop")
CROP = 28
CROP_MULTIPLE = 1
BATCH_SIZE = 128
STEPS = 20_000
LEARNING_RATE = 2e-3
PRECISION = "mixed_bfloat16"


def make_task(request: TrainingRequest, report=print) -> AutoencoderTask:
    """Return the task of this preset, its data loaded."""
    return make_autoencoder_task(MODEL, MODEL_OPTIONS, request, report)
