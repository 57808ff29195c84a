"""The sparse autoencoder: many latents, of which few are active at a time.

    aeimage train sparse --data MNIST --out runs/sparse --set latent=1000 penalty=kl sparsity=0.02

DATA is a folder with MNIST's IDX files, one of pictures, `tfds:NAME` or `digits`; pictures are
brought to --crop pixels a side. All options: `aeimage.training.autoencoder_preset`.
Of its own: `penalty` (l1 or kl), its `weight`, and with kl the `sparsity` that is wanted.
"""

from aeimage.models.sparse import SparseAutoencoder
from aeimage.training.autoencoder_preset import COMMON_OPTIONS, make_autoencoder_task
from aeimage.training.autoencoder_task import AutoencoderTask
from aeimage.training.request import TrainingRequest

KIND = "autoencoder"
MODEL = SparseAutoencoder
MODEL_OPTIONS = COMMON_OPTIONS | {
    "latent": 256,
    "penalty": "l1",
    "weight": None,
    "sparsity": 0.05,
}
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
