"""A model that trains in a second, and what child processes do with it. No tests in here."""

import json
import os
import signal
import socket
import sys
from pathlib import Path

import numpy as np

WIDTH = 6


class SmallTask:
    """A denoiser of short vectors, with dropout and L2, on batches that depend on the step alone.

    Args:
        noise: of dropout and of the input.
        kill_at: step at which the process ends itself as `kill -9` does.
        validations: objectives that validation finds, one after the other; the last repeats.
    """

    calibrated = True
    examples = 32

    def __init__(self, *, noise: bool = True, kill_at: int | None = None, validations=(1.0,)):
        self.noise, self.kill_at, self.validations = noise, kill_at, list(validations)

    def build(self):
        import keras

        layers = keras.layers
        inputs = keras.Input((WIDTH,), name="inputs")
        x = layers.Dense(12, activation="tanh", kernel_regularizer="l2", name="encoder")(inputs)
        x = layers.Dropout(0.4 if self.noise else 0.0, name="dropout")(x)
        x = layers.BatchNormalization(name="norm")(x) if self.noise else x
        outputs = {"vectors": layers.Dense(WIDTH, name="decoder")(x)}
        return keras.Model(inputs, outputs, name="small")

    def batch(self, step):
        if step == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        rng = np.random.default_rng((7, step))
        return rng.normal(size=(8, WIDTH)).astype("float32"), np.array([7, step], "uint32")

    def scalars(self, step):
        return np.float32(0.0)

    def loss(self, model, batch, scalars, *, rounded_rate=False):
        import keras
        from keras import ops

        vectors, seed = batch
        draw = keras.random.uniform((), seed=_Given(seed))
        noisy = vectors + (draw if self.noise else 0.0)
        output = ops.cast(model(noisy, training=True)["vectors"], "float32")
        error = ops.mean(ops.square(output - vectors))
        # The mean of squares is the square of the mean if all replicas draw the same.
        return error, {"draw": draw, "square": ops.square(draw)}

    def calibrate(self, model):
        raise AssertionError("it is calibrated")

    def validate(self, forward):
        output = forward(np.zeros((2, WIDTH), "float32"))
        assert output["vectors"].shape == (2, WIDTH)
        objective = self.validations.pop(0) if len(self.validations) > 1 else self.validations[0]
        return {"objective": objective}, {"grey": np.full((4, 4, 3), 99, "uint8")}


class _Given:
    """A seed from the batch, for functions that take generators."""

    def __new__(cls, seed):
        from keras import backend, ops, random

        class Given(random.SeedGenerator):
            def __init__(self):
                pass

            def next(self, ordered=True):
                return ops.cast(seed, "uint32" if backend.backend() == "jax" else "int32")

        return Given()


def child(name: str, log: str, options: dict) -> None:
    """Run a function of this module as a process of its own; its prints go to `log`."""
    with open(log, "wb", buffering=0) as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.stdout = open(1, "w", buffering=1, closefd=False)  # noqa: SIM115
    from aeimage.errors import AEImageError

    try:
        globals()[name](**options)
    except (AEImageError, OSError) as error:
        print(f"{type(error).__name__}: {error}")
        sys.exit(1)


def train(
    out,
    *,
    result=None,
    steps=12,
    resume=False,
    strategy="one",
    devices=None,
    worker=None,
    addresses=(),
    largest_file=None,
    interrupt_at=None,
    task=None,
    **settings,
):
    """Train, and write everything a checkpoint holds to `result` (.npz).

    Args:
        worker, addresses: number of this worker, and where all of them listen.
        largest_file: bytes of the largest file that can be written: a disk that is nearly full.
        interrupt_at: step at whose log Ctrl-C is pressed.
        task: arguments of `SmallTask`.
        settings: of `TrainerConfig`.
    """
    if worker is not None:
        cluster = {"worker": list(addresses)}
        config = {"cluster": cluster, "task": {"type": "worker", "index": worker}}
        os.environ["TF_CONFIG"] = json.dumps(config)
    from aeimage.training.devices import make_deterministic, make_strategy
    from aeimage.training.trainer import Trainer, TrainerConfig

    make_deterministic()
    where = make_strategy(strategy, devices)
    settings = {"save_every": 3, "log_every": 2, "validate_every": 5, "ema_every": 2, **settings}
    config = TrainerConfig(Path(out), steps=steps, learning_rate=0.01, warmup=2, **settings)

    def report(line):
        print(line)
        if line.startswith(f"step={interrupt_at} "):
            os.kill(os.getpid(), signal.SIGINT)

    trainer = Trainer(SmallTask(**(task or {})), config, report, strategy=where)
    if largest_file:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))
    trainer.run(resume=resume)
    if result:
        np.savez(result, **trainer.engine.read(), step=trainer.step)


def compare(result, noise: bool):
    """Train on one device and on two in one process; keep losses and first gradients of both."""
    from aeimage.training.devices import make_deterministic, make_strategy
    from aeimage.training.engines import make_engine

    make_deterministic()
    mirrored = make_strategy("mirrored", ["cpu:0", "cpu:1"])
    kept = {}
    for name, strategy in (("one", None), ("two", mirrored)):
        import keras

        keras.utils.set_random_seed(1)
        task = SmallTask(noise=noise)
        engine = make_engine(task, task.build(), strategy=strategy)
        engine.write()
        rows = []
        for step in range(8):
            inputs = engine.put(task.batch(step), task.scalars(step), 5, step)
            rows += engine.fetch([engine.train(inputs, 0.05, step, False)])
            if step == 0:
                first = engine.read()
        kept |= {f"{name}/{key}": [row[key] for row in rows] for key in rows[0]}
        kept |= {f"{name}/first/{key}": value for key, value in first.items()}
    np.savez(result, **kept)


def follow(start, result):
    """Go on from the arrays in `start` for eight steps without noise; keep losses and arrays."""
    from aeimage.training.engines import make_engine

    task = SmallTask(noise=False)
    engine = make_engine(task, task.build())
    with np.load(start) as file:
        engine.write({name: file[name] for name in file.files})
    losses = []
    for step in range(8):
        inputs = engine.put(task.batch(step), task.scalars(step), 5, step)
        logs = engine.fetch([engine.train(inputs, 0.05, step, False)])
        losses.append(logs[0]["loss"])
        engine.average(0.1)
    engine.show_average()
    grey = engine.forward(np.ones((2, WIDTH), "float32"))["vectors"]
    np.savez(result, losses=losses, grey=np.asarray(grey), **engine.read())


def free_addresses(count: int) -> list[str]:
    """Return addresses on this machine that nobody listens at."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    addresses = [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]
    for one in sockets:
        one.close()
    return addresses
