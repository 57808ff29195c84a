"""The commands there are.

A command is a line below and a module of that name in this folder (``-`` becomes ``_``), which is
imported only when the command is called, and holds

- a docstring: what the command does, shown by ``--help``;
- ``EXAMPLES``: command lines that work, shown by ``--help`` and run by a test in a folder with
  ``photo.jpg``, ``photo.jpg.aei``, ``photo.png``, ``scan.png``, ``mask.png``, ``cutout.png`` and
  the trees ``photos``, ``masks``, ``packed`` and ``scans`` (those that train, only where the
  environment variable CI or AEIMAGE_SLOW_TESTS is set);
- ``add_arguments(parser)``, and ``run(args)``, which returns the exit code.

To keep ``--help`` fast, a module imports what it works with inside ``run``.
"""

from __future__ import annotations

import importlib
from types import ModuleType

COMMANDS = {
    "compress": "pictures, or folders of them, to small .aei files",
    "decompress": ".aei files back to PNG, JPEG, WebP or TIFF",
    "denoise": "scanned pages and noisy photographs to clean ones",
    "inpaint": "photographs with missing pixels, scratches or holes to whole ones",
    "colorize": "grey photographs to coloured ones",
    "info": "what an .aei file holds, and whether its model is installed",
    "verify": "whether .aei files are whole and can be read",
    "compare": "how far two pictures are apart: PSNR, MS-SSIM, side by side",
    "features": "the latents of pictures, for search, clustering and maps",
    "similar": "near-duplicates, and the pictures most like a given one",
    "anomaly": "pictures that deviate from normal ones, and wrong labels",
    "transfer": "a classifier from a few labels and an autoencoder",
    "generate": "pictures drawn by a variational autoencoder",
    "models": "the models that are installed",
    "train": "a model of your own from your pictures: codec, restorer or autoencoder",
    "tune": "the training options that suit your pictures best",
    "export": "a training run to a model that needs no TensorFlow",
}


def load_command(name: str) -> ModuleType:
    """Import the module of the command called `name`."""
    return importlib.import_module(f"aeimage.cli.{name.replace('-', '_')}")
