"""All runtimes side by side: those of this process, and workers that are started together."""

from __future__ import annotations

import importlib.util
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import exactness_engines as engines
import exactness_tasks as tasks

# Name of a configuration: framework, its environment, its engines.
WORKERS = {
    "tensorflow-onednn": (
        "tensorflow",
        {"TF_ENABLE_ONEDNN_OPTS": "1"},
        ("eager", "graph", "xla"),
    ),
    "tensorflow-plain": ("tensorflow", {"TF_ENABLE_ONEDNN_OPTS": "0"}, ("eager", "graph", "xla")),
    "jax": ("jax", {"JAX_PLATFORMS": "cpu"}, ("jit",)),
}
PLAIN = ("numpy", "litert-1-threads", "litert-2-threads", "litert-4-threads")
NAMES = (*PLAIN, *(f"{name}-{e}" for name, (_, _, each) in WORKERS.items() for e in each))


def reason_to_skip(name: str) -> str | None:
    """Return why the runtime `name` cannot run here, or None."""
    for worker, (framework, _, _) in WORKERS.items():
        if name.startswith(worker):
            for package in (framework, "keras"):
                if importlib.util.find_spec(package) is None:
                    return f"{package} is not installed"
    return None


class Worker:
    """A process that runs tasks on the engines of one framework."""

    def __init__(self, name: str, bundle: Path, folder: Path) -> None:
        framework, environment, _ = WORKERS[name]
        self.name, self.folder = name, folder
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        # Where the package is not installed but found on the path, the worker finds it there too.
        path = os.pathsep.join(p for p in sys.path if p)
        self.process = subprocess.Popen(
            [sys.executable, Path(__file__).with_name("exactness_worker.py"), framework, bundle],
            env={
                **os.environ,
                **quiet,
                **environment,
                "KERAS_BACKEND": framework,
                "PYTHONPATH": path,
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(folder / f"{name}.log").open("wb"),
            text=True,
        )

    def send(self, kind: str, payload: Path) -> None:
        """Hand over a task; the answer is for `receive`."""
        task = [kind, str(payload), str(self.folder / f"{self.name}.pickle")]
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict:
        """Return {engine: results} of the task sent last."""
        for line in self.process.stdout:
            if line == "done\n":
                results = pickle.loads((self.folder / f"{self.name}.pickle").read_bytes())
                return {f"{self.name}-{engine}": result for engine, result in results.items()}
        log = (self.folder / f"{self.name}.log").read_text()
        raise RuntimeError(f"The worker {self.name} died:\n{log[-3000:]}")

    def close(self) -> None:
        """End the process."""
        self.process.terminate()  # frameworks take seconds to leave by themselves
        self.process.communicate()


class Runtimes:
    """Runs tasks on all runtimes that are installed."""

    def __init__(self, bundle: Path, folder: Path) -> None:
        self.folder = folder
        self.setting = tasks.Setting(bundle)
        self.graphs = bundle / "codec.tflite"
        self.engines = engines.plain_engines(self.setting.network, self.graphs)
        self.workers = [Worker(n, bundle, folder) for n in WORKERS if reason_to_skip(n) is None]

    def run(self, kind: str, payload) -> dict:
        """Return {runtime: results} of ``indexes``, ``extreme``, ``encode`` or ``decode``."""
        path = self.folder / f"{kind}.pickle"
        path.write_bytes(pickle.dumps(payload))
        for worker in self.workers:
            worker.send(kind, path)
        if kind == "extreme":
            network, cases = payload
            mine = engines.plain_engines(network, None)
            results = {name: tasks.indexes(e, cases) for name, e in mine.items()}
        elif kind == "indexes":
            results = {name: tasks.indexes(e, payload) for name, e in self.engines.items()}
        else:
            run = {"encode": tasks.encode, "decode": tasks.decode}[kind]
            results = {name: run(e, payload, self.setting) for name, e in self.engines.items()}
        for worker in self.workers:
            results |= worker.receive()
        return results

    def close(self) -> None:
        """End the workers."""
        for worker in self.workers:
            worker.close()
