"""Which devices a run uses, and which numbers suit them.

strategy     devices
one          one of them; the only one on JAX
mirrored     several of this machine: each takes an even share of every batch
multiworker  several machines, which the environment variable TF_CONFIG lists
auto         multiworker where TF_CONFIG names several, mirrored on several GPUs, else one
"""

import json
import os
import re
from pathlib import Path
from typing import Any

import keras

from aeimage.errors import UsageError

STRATEGIES = ("auto", "one", "mirrored", "multiworker")
PRECISIONS = ("auto", "float32", "mixed_bfloat16", "mixed_float16")
# Instructions that multiply bfloat16; without them it is emulated, slower than float32.
CPU_BFLOAT16 = {"amx_bf16", "avx512_bf16"}
GPU_BFLOAT16 = 8  # compute capability: Ampere and later


def make_strategy(name: str = "auto", devices: list[str] | None = None) -> Any:
    """Return a `tf.distribute.Strategy`, or None for the default device.

    Must be called before TensorFlow or JAX have computed anything.

    Args:
        name: see the module.
        devices: such as ``["gpu:0", "gpu:1"]``; by default all GPUs. ``cpu:0``, ``cpu:1`` and so
            on divide the processor, to try out what several devices do.

    Raises:
        UsageError: there is no such strategy or device, it does not run on this Keras backend, or
            TF_CONFIG is no good.
    """
    if name not in STRATEGIES:
        raise UsageError.for_value("strategy", f"one of {', '.join(STRATEGIES)}", name)
    devices = [_canonical(device) for device in devices or ()]
    workers = _workers()
    if keras.backend.backend() != "tensorflow":
        if name not in ("auto", "one") or len(devices) > 1:
            raise UsageError(
                f"The strategy {name!r} with {len(devices) or 'all'} devices needs the Keras "
                f"backend tensorflow. Expected one device on {keras.backend.backend()}. Unset "
                "KERAS_BACKEND, or give --strategy one."
            )
        return _use_on_jax(devices)
    if name == "auto" and workers > 1:
        name = "multiworker"
    if name == "multiworker":
        return _multiworker(workers, devices)
    return _on_this_machine(name, devices)


def _on_this_machine(name: str, devices: list[str]):
    import tensorflow as tf

    gpus = [f"gpu:{i}" for i in range(len(tf.config.list_physical_devices("GPU")))]
    if name == "auto":
        name = "mirrored" if len(devices or gpus) > 1 else "one"
    cpus = [int(device[4:]) for device in devices if device.startswith("cpu")]
    there = [*gpus, *(f"cpu:{i}" for i in range(64))]
    if missing := [device for device in devices if device not in there]:
        raise UsageError.for_value("devices", f"some of {', '.join(gpus) or 'cpu:0'}", missing)
    if name == "one" and len(devices) > 1:
        raise UsageError.for_value("devices", "one device with the strategy 'one'", devices)
    if cpus and max(cpus) > 0:
        parts = [tf.config.LogicalDeviceConfiguration()] * (max(cpus) + 1)
        processor = tf.config.list_physical_devices("CPU")[0]
        try:
            tf.config.set_logical_device_configuration(processor, parts)
        except RuntimeError as error:
            raise UsageError(
                f"The processor can no longer be divided into {devices}: TensorFlow has computed "
                "something already. Do this first in a process of its own."
            ) from error
    if name == "mirrored":
        return tf.distribute.MirroredStrategy(devices or gpus or ["cpu:0"])
    return tf.distribute.OneDeviceStrategy(devices[0]) if devices else None


def _multiworker(workers: int, devices: list[str]):
    import tensorflow as tf

    if workers < 1:
        raise UsageError(
            "The strategy 'multiworker' needs the environment variable TF_CONFIG, which lists the "
            "workers. See docs/training.md for how to write it."
        )
    if devices:
        raise UsageError.for_value(
            "devices", "none with 'multiworker' (set CUDA_VISIBLE_DEVICES instead)", devices
        )
    return tf.distribute.MultiWorkerMirroredStrategy()


def _workers() -> int:
    """Return how many workers TF_CONFIG names; 0 where it is not set."""
    text = os.environ.get("TF_CONFIG")
    if not text:
        return 0
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        addresses = cluster[task["type"]]
        address = addresses[task["index"]]
        if not isinstance(address, str) or not set(cluster) <= {"chief", "worker"}:
            raise ValueError(f"unexpected {address!r} among {sorted(cluster)}")
        return sum(map(len, cluster.values()))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise UsageError(
            f"TF_CONFIG cannot be used ({type(error).__name__}: {error}). Expected JSON such as "
            '{"cluster": {"worker": ["10.0.0.1:2222", "10.0.0.2:2222"]}, "task": {"type": '
            f'"worker", "index": 0}}}}. Received: TF_CONFIG={text!r}'
        ) from error


def _use_on_jax(devices: list[str]) -> None:
    if devices:
        import jax

        kind, _, number = devices[0].partition(":")
        try:
            jax.config.update("jax_default_device", jax.devices(kind)[int(number)])
        except (RuntimeError, IndexError) as error:
            there = ", ".join(map(str, jax.devices()))
            raise UsageError.for_value("devices", f"one of {there}", devices) from error


def _canonical(device: str) -> str:
    match = re.fullmatch(r"/?(?:device:)?(cpu|gpu)(?::(\d+))?", device.strip().lower())
    if not match:
        raise UsageError.for_value("devices", "names such as gpu:0 or cpu:0", device)
    return f"{match[1]}:{match[2] or 0}"


def choose_precision(asked: str, usual: str) -> str:
    """Return the Keras dtype policy of a run.

    Args:
        asked: one of `PRECISIONS`; ``auto`` takes what the preset usually runs in, where the
            device has instructions for it, else float32.
        usual: the preset's.

    Raises:
        UsageError: there is no such precision.
    """
    if asked not in PRECISIONS:
        raise UsageError.for_value("precision", f"one of {', '.join(PRECISIONS)}", asked)
    if asked != "auto":
        return asked
    return usual if usual == "float32" or fast_at_bfloat16() else "float32"


def fast_at_bfloat16() -> bool:
    """Return whether the default device has instructions for bfloat16."""
    if keras.backend.backend() == "jax":
        import jax

        device = jax.devices()[0]
        # XLA on the CPU computes convolutions of bfloat16 in float32.
        capability = getattr(device, "compute_capability", "0")
        return device.platform == "tpu" or float(capability) >= GPU_BFLOAT16
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    if not gpus:
        return bool(_cpu_flags() & CPU_BFLOAT16)
    details = [tf.config.experimental.get_device_details(gpu) for gpu in gpus]
    return all(d.get("compute_capability", (0, 0))[0] >= GPU_BFLOAT16 for d in details)


def _cpu_flags() -> set[str]:
    """Return the processor's instruction sets, where the system tells (Linux)."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return set()
    match = re.search(r"^flags\s*:(.*)$", text, re.MULTILINE)
    return set(match[1].split()) if match else set()


def make_deterministic() -> None:
    """Let every operation give the same bits each time, at some cost on GPUs.

    Must be called before JAX has computed anything.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
    else:
        flags = os.environ.get("XLA_FLAGS", "")
        os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()
