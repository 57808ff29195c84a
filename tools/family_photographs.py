"""Missing pixels and missing colours of photographs: inpaint against OpenCV, colorize against grey.

    python tools/family_photographs.py --photos HELD_OUT --out docs/benchmark/family

**Inpaint**: the middle 512 x 512 pixels of each photograph, masks that no training saw (other
seeds, and two kinds that it has not met at all: writing, and smooth blots). PSNR of the missing
pixels alone, clipped to bytes. Telea's method and Navier-Stokes run with radius 2, 3 and 5; what
counts is the radius that is best for them on these very pictures and masks.

**Colorize**: photographs reduced to a shorter side of 512, grey by Pillow's luminance, against
leaving them grey. Chroma RMSE in levels of Cb and Cr; CIEDE2000 (Sharma et al., 2005) by
scikit-image; colourfulness (Hasler and Suesstrunk, 2003) as a share of the original's.

Writes `inpaint.jpg` and `colorize.jpg`, before and after.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aeimage.corruption import Draws, OccludingBoxes, RandomMissingPixels, Scratches
from aeimage.corruption.fields import smooth_field
from aeimage.data.pictures import centre_crop, decode_all, picture_paths
from aeimage.metrics import psnr
from aeimage.pull_push import fill, weigh
from aeimage.runtime.colorizer import Colorizer
from aeimage.runtime.inpainter import Inpainter

PART = "photographs"
SIZE = 512
SEED = 2**31 + 77
RADII = (2, 3, 5)
OURS, GREY = "aeimage", "grey"
VIVID = 1.5
LAYERS = {
    "50 % of the pixels": RandomMissingPixels(share=0.5),
    "80 % of the pixels": RandomMissingPixels(share=0.8),
    "scratches": Scratches(count=12, width=(1.0, 4.0)),
    "boxes": OccludingBoxes(count=3, size=(0.05, 0.25)),
}
UNSEEN = ("writing", "blots")
TILE = 200
PICK = (12, 0, 9, 3, 15, 2)
"""The photograph that is shown of each kind of mask."""


def run(options: argparse.Namespace) -> list[dict]:
    """Measure both on held-out photographs.

    Args:
        options: `validation` or else `photos`, a folder; `out`, folder for the pictures; `share`,
            of the photographs (1 for all).

    Returns:
        rows of part, data, method, measure, value.
    """
    paths = picture_paths([getattr(options, "validation", None) or options.photos])
    photos = decode_all(paths[: max(2, round(len(paths) * getattr(options, "share", 1.0)))])
    out = Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    return [
        *inpaint_rows(photos, out / "inpaint.jpg"),
        *colorize_rows(photos, out / "colorize.jpg"),
    ]


def inpaint_rows(photos: list[np.ndarray], sheet: Path) -> list[dict]:
    """Fill in masks of all kinds by all methods; draw some."""
    crops = [crop for crop in map(centre_crop, photos) if crop is not None]
    ours = Inpainter()
    methods: dict[str, Callable] = {
        "mean colour": fill_with_mean,
        "pull-push": fill_smoothly,
        **{
            f"{name}, radius {r}": opencv(name, r)
            for name in ("Telea", "Navier-Stokes")
            for r in RADII
        },
        OURS: ours.inpaint,
    }
    rows, shown = [], []
    kinds = (*LAYERS, *UNSEEN)
    for kind in kinds:
        data = f"inpaint, {len(crops)} photographs, {kind}"
        scores: dict[str, list[float]] = {name: [] for name in methods}
        for number, pixels in enumerate(crops):
            mask = mask_of(kind, pixels.shape, number)
            for name, method in methods.items():
                result = method(pixels, mask)
                assert np.array_equal(result[~mask], pixels[~mask])
                scores[name].append(psnr(result[mask][None], pixels[mask][None]))
            if number == PICK[kinds.index(kind)] % len(crops):
                shown.append((pixels, mask))
        means = {name: float(np.mean(found)) for name, found in scores.items()}
        rivals = {}
        for method in ("Telea", "Navier-Stokes"):
            best = max((n for n in means if n.startswith(method)), key=means.get)
            rivals[best] = means[best]
        table = {n: means[n] for n in ("mean colour", "pull-push")} | rivals | {OURS: means[OURS]}
        rows += [row(data, n, "PSNR of missing pixels, dB", v) for n, v in table.items()]
        gain = means[OURS] - max(rivals.values())
        rows.append(row(data, OURS, "above the better of OpenCV's, dB", gain))
        worst = min(
            own - max(both)
            for own, *both in zip(scores[OURS], *(scores[name] for name in rivals), strict=True)
        )
        rows.append(row(data, OURS, "the same on the worst photograph, dB", worst))
        print(f"{data}: {gain:+.2f} dB, at worst {worst:+.2f}", flush=True)
    draw_inpainted(shown, ours, sheet)
    return rows


def mask_of(kind: str, shape: tuple[int, ...], number: int) -> np.ndarray:
    """Return where pixels are missing, bool (height, width): one mask a photograph and kind."""
    seed = np.array([SEED, 1000 * (*LAYERS, *UNSEEN).index(kind) + number], "uint32")
    if kind == "writing":
        return written(shape, number)
    if kind == "blots":
        draws = Draws(seed, (1, *shape))
        field = smooth_field(draws, 24.0, np.full((1, 1, 1, 1), 24.0, "float32"))
        return np.asarray(field)[0, ..., 0] > 1.3
    return np.asarray(LAYERS[kind].mask((1, *shape), seed))[0, ..., 0] > 0


def written(shape: tuple[int, ...], number: int) -> np.ndarray:
    """Return a mask of lines of writing across the picture."""
    image = Image.new("1", (shape[1], shape[0]))
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(18 + number % 5 * 3)
    words = "Greetings from the sea, with love, summer 1957. We arrived on Tuesday and "
    for line in range(12):
        start = 7 * (line + number) % len(words)
        text = (words[start:] + words * 2)[:70]
        draw.text((8 - 5 * line % 40, 6 + line * shape[0] // 12), text, 1, font=font)
    return np.asarray(image)


def fill_with_mean(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill in the mean of the known pixels."""
    mean = np.rint(pixels[~mask].mean(axis=0)).astype(np.uint8)
    return np.where(mask[..., None], mean, pixels)


def fill_smoothly(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Fill in by pull-push, which is what the network starts from."""
    level = weigh(pixels[None].astype(np.float32), mask[None, ..., None].astype(np.float32))
    return np.clip(np.rint(fill(level)[0]), 0, 255).astype(np.uint8)


def opencv(name: str, radius: int) -> Callable:
    """Return one of OpenCV's methods as a function of pixels and mask."""
    import cv2

    flag = {"Telea": cv2.INPAINT_TELEA, "Navier-Stokes": cv2.INPAINT_NS}[name]
    return lambda pixels, mask: cv2.inpaint(pixels, mask.astype(np.uint8), radius, flag)


def colorize_rows(photos: list[np.ndarray], sheet: Path) -> list[dict]:
    """Compare guessed colours, and none, with the true ones; draw some."""
    colorizer = Colorizer()
    results: dict[str, list[dict]] = {}
    shown = []
    for photo in photos:
        image = Image.fromarray(photo)
        share = min(1.0, 512 / min(image.size))
        image = image.resize([round(n * share) for n in image.size], Image.Resampling.LANCZOS)
        truth, light = np.asarray(image), np.asarray(image.convert("L"))
        guesses = {
            GREY: light[..., None].repeat(3, axis=-1),
            OURS: colorizer.colorize(light),
            f"{OURS}, saturation {VIVID}": colorizer.colorize(light, VIVID),
        }
        for method, guess in guesses.items():
            assert np.array_equal(np.asarray(Image.fromarray(guess).convert("L")), light)
            results.setdefault(method, []).append(colour_errors(guess, truth))
        shown.append([truth, *guesses.values()])
    data = f"colorize, {len(photos)} photographs"
    rows = [
        row(data, method, measure, float(np.mean([r[measure] for r in found])))
        for method, found in results.items()
        for measure in found[0]
    ]
    better = [
        ours["CIEDE2000"] < grey["CIEDE2000"]
        for ours, grey in zip(results[OURS], results[GREY], strict=True)
    ]
    rows.append(row(data, OURS, "share of photographs nearer than grey", np.mean(better)))
    for line in rows:
        print(f"{line['method']}: {line['measure']} {line['value']:.3f}", flush=True)
    strips = [np.concatenate([_tile(p) for p in pictures], axis=1) for pictures in shown[::3][:6]]
    Image.fromarray(np.concatenate(strips)).save(sheet, quality=88)
    return rows


def colour_errors(guess: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return how far colours are from the true ones, and how colourful they are beside them."""
    from skimage.color import deltaE_ciede2000, rgb2lab

    chroma = [
        np.asarray(Image.fromarray(x).convert("YCbCr"), float)[..., 1:] for x in (guess, truth)
    ]
    return {
        "chroma RMSE, levels": float(np.sqrt(np.mean(np.square(chroma[0] - chroma[1])))),
        "CIEDE2000": float(np.mean(deltaE_ciede2000(rgb2lab(guess), rgb2lab(truth)))),
        "PSNR of RGB, dB": psnr(guess, truth),
        "colourfulness, share of the original's": colourfulness(guess) / colourfulness(truth),
    }


def colourfulness(rgb: np.ndarray) -> float:
    """Return the colourfulness of Hasler and Suesstrunk."""
    red, green, blue = np.moveaxis(rgb.astype(float), -1, 0)
    first, second = red - green, 0.5 * (red + green) - blue
    spread = np.hypot(first.std(), second.std())
    return float(spread + 0.3 * np.hypot(first.mean(), second.mean()))


def draw_inpainted(shown: list, ours: Inpainter, path: Path) -> None:
    """Draw rows of what is known, Telea, Navier-Stokes, ours and the original."""
    strips = []
    for pixels, mask in shown:
        known = np.where(mask[..., None], np.uint8(255), pixels)
        others = [opencv(name, 3)(pixels, mask) for name in ("Telea", "Navier-Stokes")]
        middle = slice((SIZE - TILE) // 2, (SIZE + TILE) // 2)
        parts = [known, *others, ours.inpaint(pixels, mask), pixels]
        strips.append(np.concatenate([p[middle, middle] for p in parts], axis=1))
    Image.fromarray(np.concatenate(strips)).save(path, quality=92)


def _tile(pixels: np.ndarray) -> np.ndarray:
    """Return the picture's middle, as wide as half again its height, at one size."""
    height, width = pixels.shape[:2]
    wide = min(width, height * 3 // 2)
    start = (width - wide) // 2
    image = Image.fromarray(pixels[:, start : start + wide])
    return np.asarray(image.resize((TILE * 3 // 2, TILE), Image.Resampling.LANCZOS))


def row(data: str, method: str, measure: str, value: float) -> dict:
    """Return a row of the table of results."""
    return {"part": PART, "data": data, "method": method, "measure": measure, "value": float(value)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, required=True, help="folder, held out of training")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmark/family"))
    parser.add_argument("--share", type=float, default=1.0, help="of the photographs")
    for line in run(parser.parse_args()):
        print(f"{line['data']:44} {line['method']:26} {line['measure']:40} {line['value']:.4g}")


if __name__ == "__main__":
    main()
