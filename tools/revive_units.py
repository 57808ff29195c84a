"""Give dead ReLU units of a run a second chance, without changing what its model does.

    python tools/revive_units.py runs/codec --data PHOTOS
    aeimage train codec --data PHOTOS --out runs/codec --resume --steps 60000

    python tools/revive_units.py runs/scan --preset scan --data PAGES

A unit whose input is below zero on every picture gets no gradient and stays dead however long
training goes on. Each such unit is drawn anew, scaled to its inputs on real pictures; its outgoing
weights and its moments in the optimizer become zero, so that the function, and a codec's file
sizes, are those of before.

Of restorers, all blocks are looked at. Of a codec, the synthesis transform, the analysis
transform's last block and the hyper-analysis: units of the analysis transform's other blocks that
nobody uses are left out of what is shipped, which is what makes encoding fast.

The checkpoint is replaced; the old one stays beside it as checkpoint_STEP.npz.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
from pathlib import Path

import keras
import numpy as np
from keras import ops

from aeimage.corruption import PhotoDamage, ScanDamage
from aeimage.data.pictures import centre_crop, decode, picture_paths, split
from aeimage.export.kinds import load_kind
from aeimage.models.hyperprior import HyperpriorCodec
from aeimage.models.restorer import Restorer
from aeimage.training.checkpoint import load_checkpoint, save_checkpoint
from aeimage.training.presets import load_preset

PICTURES = {"codec": 16, "restorer": 64}
SIDE = {"codec": 256, "restorer": 192}
ALIVE = 1e-5
"""A unit that fires on a smaller share of places is dead."""


def candidates(model) -> list[tuple[keras.layers.Layer, keras.layers.Layer]]:
    """Return layers with ReLU units, each with the layer that takes them."""
    if isinstance(model, Restorer):
        return [(block.first, block.second) for block in model.blocks]
    blocks = [model.synthesis_transform.first, *model.synthesis_transform.blocks]
    blocks.append(model.analysis_transform.last)
    steps = model.hyper_analysis.steps
    return [*((block.mix, block.expand) for block in blocks), *itertools.pairwise(steps)]


def revive(
    model: HyperpriorCodec | Restorer, arrays: dict[str, np.ndarray], pixels, seed: int = 0
) -> int:
    """Redraw dead units, in the model and in a checkpoint's arrays.

    Args:
        model: with the checkpoint's weights in it.
        arrays: of the checkpoint, changed in place.
        pixels: pictures, uint8 (n, height, width, 3).
        seed: of the draw.

    Returns:
        the number of units redrawn.
    """
    pairs = candidates(model)
    inputs = _inputs_of([layer for layer, _ in pairs], model, pixels)
    rng = np.random.default_rng(seed)
    count = 0
    for (layer, following), seen in zip(pairs, inputs, strict=True):

        def responses(kernel, seen=seen, layer=layer):
            found = ops.conv(seen, kernel, strides=layer.strides, padding="same")
            return ops.convert_to_numpy(found)

        kernel = ops.convert_to_numpy(layer.kernel).copy()
        bias = ops.convert_to_numpy(layer.bias).copy()
        dead = np.mean(responses(kernel) + bias > 0, axis=(0, 1, 2)) < ALIVE
        spread = seen.std(axis=(0, 1, 2))
        spread = np.maximum(spread, 0.05 * spread.max() + 1e-6)[:, None]
        drawn = rng.normal(0.0, np.sqrt(2.0 / np.prod(kernel.shape[:3])), kernel.shape) / spread
        kernel[..., dead] = drawn[..., dead]
        # Centred: half of the places fire.
        bias[dead] = -responses(kernel).mean(axis=(0, 1, 2))[dead]
        outgoing = ops.convert_to_numpy(following.kernel).copy()
        outgoing[:, :, dead] = 0.0
        _put(arrays, layer.kernel, kernel, (..., dead))
        _put(arrays, layer.bias, bias, (dead,))
        _put(arrays, following.kernel, outgoing, (slice(None), slice(None), dead))
        count += int(dead.sum())
    return count


def _inputs_of(layers, model, pixels) -> list[np.ndarray]:
    """Return what each layer is called with while the model codes some pictures."""
    seen = {}
    calls = {}
    for layer in layers:
        calls[id(layer)] = layer.call

        def call(inputs, layer=layer):
            seen[id(layer)] = ops.convert_to_numpy(inputs)
            return calls[id(layer)](inputs)

        layer.call = call
    try:
        _run(model, pixels)
    finally:
        for layer in layers:
            layer.call = calls[id(layer)]
    return [seen[id(layer)] for layer in layers]


def _run(model, pixels) -> None:
    """Call the model on pictures as in training: codecs at all qualities, restorers on damage."""
    if isinstance(model, HyperpriorCodec):
        model(pixels, np.linspace(5.0, 95.0, len(pixels)).astype("float32"), training=False)
    elif model.config.level_map:
        model(*PhotoDamage()(pixels, seed=0))
    else:
        model(ScanDamage()(pixels, seed=0))


def _put(arrays, variable, values, dead) -> None:
    """Put redrawn weights into the model, the checkpoint and its average; forget their moments."""
    variable.assign(values)
    flat = variable.path.replace("/", "_")
    for name, array in arrays.items():
        if name in (f"model/{variable.path}", f"ema/{variable.path}"):
            array[dead] = values[dead]
        elif name.startswith("optimizer/") and name.endswith(
            (f"{flat}_momentum", f"{flat}_velocity")
        ):
            array[dead] = 0.0


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="folder of a run")
    parser.add_argument("--preset", default="codec")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="training pictures")
    args = parser.parse_args()

    preset = load_preset(args.preset)
    if preset.KIND not in PICTURES:
        parser.error(f"--preset {args.preset}: expected one of a codec or a restorer")
    path = args.run / "checkpoint.npz"
    arrays, meta = load_checkpoint(path)
    model = load_kind(preset.KIND).build(preset)
    for variable in model.trainable_variables:
        variable.assign(arrays[f"model/{variable.path}"])
    side, crops = SIDE[preset.KIND], []
    for picture in split(picture_paths(args.data))[0]:
        rgb = decode(picture)
        crop = None if rgb is None else centre_crop(rgb, side)
        if crop is not None and crop.shape[:2] == (side, side):
            crops.append(crop)
        if len(crops) == PICTURES[preset.KIND]:
            break
    count = revive(model, arrays, np.stack(crops))
    shutil.copyfile(path, args.run / f"checkpoint_{meta['step']}.npz")
    save_checkpoint(path, arrays, meta)
    print(f"{count} units redrawn at step {meta['step']}")


if __name__ == "__main__":
    main()
