"""The contractive autoencoder: latents that barely move when the picture does.

    aeimage train contractive --data MNIST --out runs/contractive --set weight=0.001

DATA is a folder with MNIST's IDX files, one of pictures, `tfds:NAME` or `digits`; pictures are
brought to --crop pixels a side. All options: `aeimage.training.autoencoder_preset`.
Of its own: the penalty's `weight`, `jacobian` (analytic, estimate or auto) and `probes`.
"""

from aeimage.models.contractive import ContractiveAutoencoder
from aeimage.training.autoencoder_preset import COMMON_OPTIONS, make_autoencoder_task
from aeimage.training.autoencoder_task import AutoencoderTask
from aeimage.training.request import TrainingRequest

KIND = "autoencoder"
MODEL = ContractiveAutoencoder
MODEL_OPTIONS = COMMON_OPTIONS | {
    "weight": 1e-4,
    "jacobian": "auto",
    "probes": 1,
}
ACCEPTS = tuple(MODEL_OPTIONS)
MODEL_SETTINGS = (*ACCEPTS, "crop")
CROP = 28
CROP_MULTIPLE = 1
BATCH_SIZE = 128
STEPS = 20_000
LEARNING_RATE = 1e-3
PRECISION = "float32"


def make_task(request: TrainingRequest, report=print) -> AutoencoderTask:
    """Return the task of this preset, its data loaded."""
    return make_autoencoder_task(MODEL, MODEL_OPTIONS, request, report)
