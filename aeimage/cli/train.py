"""
Train a model on your own pictures. Needs the train extra: pip install "aeimage[train]".

PRESET says what is trained; docs/training.md lists the presets and what to expect of them. The
run's folder gets metrics.csv and validation.csv, TensorBoard curves and pictures (tensorboard
--logdir OUT), checkpoint.npz to resume from, and best.weights.h5. Interrupt it when you like, also
with kill: --resume goes on from the last checkpoint, as if nothing had happened. `aeimage export`
makes a model of it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from aeimage.cli import options

EXAMPLES = [
    "aeimage train codec-tiny --data photos --out runs/tiny --steps 4",
    "aeimage train codec-tiny --data photos --out runs/tiny --steps 6 --resume",
    "aeimage train codec-tiny --data photos --out runs/other --epochs 2 --patience 3",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "preset",
        metavar="PRESET",
        help="for example codec, scan, photo, convolutional or variational",
    )
    parser.add_argument(
        "--data",
        metavar="DIR",
        nargs="+",
        required=True,
        type=Path,
        help="folders of pictures; also tfds:NAME, of TensorFlow Datasets, and for autoencoders a "
        "folder with MNIST's files",
    )
    parser.add_argument("--out", metavar="DIR", required=True, type=Path, help="the run's folder")
    parser.add_argument(
        "--validation-data",
        metavar="DIR",
        nargs="+",
        type=Path,
        help="held-out pictures (default: a fixed twentieth of the data)",
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--steps", type=options.positive, help="(default: the preset's)")
    length.add_argument(
        "--epochs",
        metavar="N",
        type=options.positive,
        help="instead of --steps: N crops of each picture in memory, reduced copies included",
    )
    parser.add_argument(
        "--batch-size",
        metavar="N",
        type=options.positive,
        help="examples a step, shared out among all devices",
    )
    parser.add_argument("--crop", metavar="PIXELS", type=options.positive, help="side of a crop")
    parser.add_argument("--learning-rate", metavar="RATE", type=float, help="of Adam, at its peak")
    parser.add_argument(
        "--set",
        metavar="NAME=VALUE",
        dest="options",
        nargs="+",
        type=_name_and_value,
        help="what the preset takes besides; see `python -m pydoc aeimage.training.presets.scan`",
    )
    parser.add_argument("--seed", type=int, help="of everything random (default: 0)")
    parser.add_argument(
        "--resume",
        action="store_true",
        help="go on from the last checkpoint, with the run's own settings where none are given",
    )
    parser.add_argument(
        "--init",
        metavar="WEIGHTS",
        type=Path,
        help="start from a .weights.h5 file, or from those of a run or model (its folder)",
    )
    parser.add_argument(
        "--freeze",
        metavar="PART",
        nargs="+",
        help="parts of the model to keep as --init has them, such as analysis_transform or mean_*",
    )
    parser.add_argument(
        "--patience",
        metavar="N",
        type=int,
        help="stop after N validations without a better objective (default: 0, never)",
    )
    add_device_arguments(parser)
    for name, default in (("log", 100), ("save", 1000), ("validate", 2500)):
        parser.add_argument(
            f"--{name}-every",
            metavar="STEPS",
            type=options.positive,
            default=default,
            help=f"(default: {default})",
        )
    parser.add_argument(
        "--profile-input",
        action="store_true",
        help="measure whether the input pipeline keeps up with the device; trains and writes "
        "nothing",
    )


def add_device_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where and in which numbers to compute."""
    parser.add_argument(
        "--strategy",
        choices=("auto", "one", "mirrored", "multiworker"),
        default="auto",
        help="one device, several of this machine, or the machines of TF_CONFIG (default: all "
        "there are)",
    )
    parser.add_argument(
        "--devices",
        metavar="DEVICE",
        nargs="+",
        help="such as gpu:0 gpu:1; cpu:0 cpu:1 divides the processor, to try it out",
    )
    parser.add_argument(
        "--precision",
        choices=("auto", "float32", "mixed_bfloat16", "mixed_float16"),
        help="(default: mixed_bfloat16 where the device has it and the preset wants it)",
    )
    parser.add_argument(
        "--deterministic",
        action="store_true",
        default=None,
        help="the same bits each time; slower on GPUs",
    )


def run(args: argparse.Namespace) -> int:
    """Do it."""
    from aeimage.apps.training import require_training

    require_training("Training")
    from aeimage.training.request import TrainingRequest
    from aeimage.training.run import prepare, train

    asked = {k: v for k, v in vars(args).items() if v is not None}
    if "options" in asked:
        asked["options"] = dict(asked["options"])
    measure = asked.pop("profile_input")
    request = TrainingRequest(**asked)
    if measure:
        from aeimage.training.profiling import profile_input

        print(profile_input(prepare(request)[0]).report)
        return 0
    trainer = train(request)
    if trainer.stopping:
        print(f"Stopped at step {trainer.step}; --resume goes on from here.")
    elif trainer.engine.chief:
        print(f"Finished {trainer.step} steps. Next: aeimage export {args.out} -o MODEL")
    return 0


def _name_and_value(text: str) -> tuple[str, str]:
    """``NAME=VALUE``"""
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, received {text!r}")
    return name, value
