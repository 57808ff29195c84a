"""What commands that train have in common."""

import importlib.util
import os

from aeimage.errors import MissingDependencyError


def require_training(purpose: str) -> None:
    """Check that TensorFlow and Keras are there, before anything slow starts, and quieten them.

    Raises:
        MissingDependencyError: one is not; names the extra.
    """
    for package in ("tensorflow", "keras", "h5py"):
        if importlib.util.find_spec(package) is None:
            raise MissingDependencyError.for_package(package, "train", purpose)
    # Native log lines about CUDA and oneDNN say nothing that a user could act on.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
