"""How well a variational autoencoder knows MNIST: bounds of the test likelihood, in nats.

    python tools/family_generation.py --mnist MNIST --out docs/benchmark/family

Measures the weights of `saved_models/digits`, or with --steps trains its model anew. Binarisation
is dynamic: a training picture is drawn anew from its grey levels at each step; the 10,000 test
pictures are drawn once, with seed 0 (NumPy). The ELBO takes `ELBO_SAMPLES` draws a picture, the log
likelihood `--samples` draws by importance sampling, which is a lower bound in the mean, too.

For comparison, with the same binarisation: VAE of two layers of 200 units 86.8 nats, IWAE with 50
samples 84.8 (Burda, Grosse and Salakhutdinov, 2016; one stochastic layer, 5,000 samples).

Writes `samples.png` (64 pictures drawn) and `interpolations.png`.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np
from PIL import Image

from aeimage.apps.generate import draw_grid
from aeimage.data.small_pictures import load_pictures
from aeimage.latents import interpolate
from aeimage.models.variational import VariationalAutoencoder
from aeimage.training.autoencoder_task import fit

ROOT = Path(__file__).resolve().parent.parent
BUNDLE = ROOT / "saved_models" / "digits"
ELBO_SAMPLES = 10
SAMPLES = 200
AT_A_TIME = 100
PART = "generation"
DATA = "MNIST test, binarised once"


def run(options: argparse.Namespace) -> list[dict]:
    """Measure a variational autoencoder.

    Args:
        options: `mnist`, the data (anything that `load_pictures` takes); `out`, folder for the
            pictures; optionally `steps` to train anew, `samples` and `pictures`, how many, and
            `share`: below 1, hardly anything is measured.

    Returns:
        rows of part, data, method, measure, value.
    """
    steps = getattr(options, "steps", None)
    model = load_shipped() if steps is None else train(options.mnist, steps)
    samples = getattr(options, "samples", None) or SAMPLES
    most = getattr(options, "pictures", None)
    if getattr(options, "share", 1.0) < 1.0:  # a quick run
        most, samples = AT_A_TIME, AT_A_TIME
    grey = load_pictures(options.mnist, split="test").pixels[:most]
    binary = binarised(grey)
    start = time.monotonic()
    found = measure(model, binary, samples)
    print(f"measured in {time.monotonic() - start:.0f} s", flush=True)
    draw(model, Path(options.out))
    return [
        {"part": PART, "data": DATA, "method": "VAE", "measure": measure, "value": value}
        for measure, value in found.items()
    ]


def load_shipped() -> VariationalAutoencoder:
    """Return the shipped model, from its weights."""
    from aeimage.export.kinds import load_kind
    from aeimage.export.source import open_source

    return open_source(BUNDLE).load(load_kind("autoencoder"))


def train(data: str, steps: int) -> VariationalAutoencoder:
    """Return a model of the shipped one's architecture, trained anew."""
    import json

    config = json.loads((BUNDLE / "model.json").read_text(encoding="utf-8"))["options"]
    from aeimage.training.autoencoder_preset import make_model
    from aeimage.training.presets import variational

    pixels = load_pictures(data).pixels
    model = make_model(variational.MODEL, variational.MODEL_OPTIONS, pixels.shape[1], config)
    fit(model, pixels, steps=steps, precision="auto", report=print)
    return model


def binarised(grey: np.ndarray) -> np.ndarray:
    """Draw black-and-white pictures, float32, of grey ones, uint8: always the same."""
    draws = np.random.default_rng(0).random(grey.shape, np.float32)
    return (draws < grey.astype(np.float32) / np.float32(255.0)).astype(np.float32)


def measure(model: VariationalAutoencoder, binary: np.ndarray, samples: int) -> dict[str, float]:
    """Return means over pictures in nats, and the standard error of the likelihood's.

    Args:
        model: in float32.
        binary: float32 (count, height, width, 1), 0 or 1.
        samples: for the likelihood of each picture.
    """
    import tensorflow as tf

    @tf.function
    def elbo(pictures, seed):
        parts = model.elbo(pictures, seed)
        return parts["elbo"], parts["kl"]

    @tf.function
    def weights(pictures, seed):
        return tf.reduce_logsumexp(model.importance_weights(pictures, AT_A_TIME, seed), axis=1)

    # Pictures times samples at a time: what fits into the processor's caches.
    bounds, divergences, likelihoods = [], [], []
    rounds = math.ceil(samples / AT_A_TIME)
    for start in range(0, len(binary), AT_A_TIME):
        pictures = tf.constant(binary[start : start + AT_A_TIME])
        seeds = [tf.constant([start, number], tf.int32) for number in range(rounds)]
        several = [elbo(pictures, tf.constant([start, 10**6 + i])) for i in range(ELBO_SAMPLES)]
        bounds.append(np.mean([bound.numpy() for bound, _ in several], axis=0))
        divergences.append(several[0][1].numpy())
        logs = np.stack([weights(pictures, seed).numpy() for seed in seeds])
        likelihoods.append(np.logaddexp.reduce(logs, axis=0) - math.log(rounds * AT_A_TIME))
    bounds, divergences, likelihoods = map(np.concatenate, (bounds, divergences, likelihoods))
    return {
        "ELBO, nats": float(bounds.mean()),
        "KL, nats": float(divergences.mean()),
        f"log p(x), {rounds * AT_A_TIME} importance samples, nats": float(likelihoods.mean()),
        "standard error over pictures, nats": float(likelihoods.std() / math.sqrt(len(binary))),
        "pictures": len(binary),
    }


def draw(model: VariationalAutoencoder, out: Path) -> None:
    """Write samples and interpolations."""
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    drawn = np.asarray(model.decode(rng.normal(size=(64, model.latent_size)).astype("float32")))
    Image.fromarray(draw_grid(drawn, 16, 2)).save(out / "samples.png")
    ends = rng.normal(size=(8, 2, model.latent_size))
    paths = np.concatenate([interpolate(*pair, 16) for pair in ends])
    ways = np.asarray(model.decode(paths))
    Image.fromarray(draw_grid(ways, 16, 2)).save(out / "interpolations.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mnist", required=True, help="folder of the IDX files, or tfds:mnist")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmark/family"))
    parser.add_argument("--steps", type=int, help="train anew, so long")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, help="a picture, for the likelihood"
    )
    parser.add_argument("--pictures", type=int, help="only the first so many test pictures")
    for row in run(parser.parse_args()):
        print(f"{row['measure']:50} {row['value']:.3f}")


if __name__ == "__main__":
    main()
