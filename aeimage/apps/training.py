"""What commands that train have in common."""

import importlib.util
import os

from aeimage.errors import MissingDependencyError, UsageError


def require_training(purpose: str, backend: str | None = None) -> None:
    """Check that Keras and its backend are there, before anything slow starts, and quieten them.

    The backend is what the environment variable ``KERAS_BACKEND`` names, else TensorFlow.

    Args:
        purpose: what needs them, as the start of a sentence, e.g. ``"Training"``.
        backend: the only backend that will do; by default any.

    Raises:
        UsageError: ``KERAS_BACKEND`` names another backend than `backend`.
        MissingDependencyError: a package is not there; names the extra.
    """
    chosen = os.environ.get("KERAS_BACKEND") or backend or "tensorflow"
    if backend is not None and chosen != backend:
        raise UsageError(
            f"{purpose} needs the Keras backend {backend!r}. Expected KERAS_BACKEND={backend} or "
            f"none. Received: KERAS_BACKEND={chosen}. Unset the environment variable; weights are "
            "the same for all backends."
        )
    for package in ("keras", chosen, "h5py"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError.for_package(package, "train", purpose)
    if backend is not None:
        # The user's keras.json may name another one.
        os.environ["KERAS_BACKEND"] = backend
    # Native log lines about CUDA and oneDNN say nothing that a user could act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
