"""Draw docs/corruption.png: what each layer of `aeimage.corruption` does to one page or photograph.

    python tools/draw_corruption_sheet.py docs/corruption.png

The page is drawn here, the photograph is one of the package's samples. Takes half a minute.
"""

import sys

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from aeimage import corruption as c
from aeimage.samples import sample_paths

WIDTH, HEIGHT, LABEL, COLUMNS = 230, 116, 15, 4
TEXT = """of the old town, where the river bends,
stood a printer's shop. Its windows were
dim, and its master, who had set type for
forty years, read every proof by candle-
light: 1,384 pages in all, of which not
one survives without stains or folds."""

# Strong and near the middle of what training uses, so that each shows in a small picture.
ON_PAGES = {
    "clean": None,
    "BrokenInk": c.BrokenInk(thin=0.3, dropout=0.25, grain=2.0),
    "BoldInk": c.BoldInk(thick=0.8),
    "PaperTexture": c.PaperTexture(fibres=0.06, clouds=0.06, grain=1.5),
    "PaperTint": c.PaperTint(dark=0.05, yellow=0.25, hue=0.05),
    "Stains": c.Stains(strength=0.45, size=70.0, area=0.4),
    "ShowThrough": c.ShowThrough(strength=0.4, blur=1.0),
    "Folds": c.Folds(crease=(0.5, 0.8), width=1.2, shade=0.3),
    "Specks": c.Specks(amount=0.02, size=(1.5, 3.0), bright=0.0),
    "UnevenLight": c.UnevenLight(strength=0.5, size=100.0),
    "SpineShadow": c.SpineShadow(depth=0.8, width=40.0),
    "Blur": c.Blur(sigma=1.4),
    "LowContrast": c.LowContrast(contrast=0.35, paper=190.0),
    "Speckle": c.Speckle(sigma=0.3),
    "Streaks": c.Streaks(share=0.05, strength=0.7),
    "SaltAndPepper": c.SaltAndPepper(amount=0.12),
    "MissingRows": c.MissingRows(share=0.06, run=(1.0, 3.0)),
    "FaxResolution": c.FaxResolution(cell=1.6, stretch=1.4, bilevel=1.0, threshold=150.0),
    "ScanDamage": c.ScanDamage(clean=0.0, groups=1),
    "ScanDamage ": c.ScanDamage(clean=0.0, groups=1),
}
ON_PHOTOGRAPHS = {
    "GaussianNoise": c.GaussianNoise(sigma=25.0),
    "ShotNoise": c.ShotNoise(full_well=60.0, read=3.0),
    "JPEGArtefacts": c.JPEGArtefacts(quality=8),
    "PhotoDamage": c.PhotoDamage(jpeg=1.0),
    "OccludingBoxes": c.OccludingBoxes(count=4),
    "RandomMissingPixels": c.RandomMissingPixels(share=0.5),
    "Scratches": c.Scratches(count=6),
    "ColourJitter": c.ColourJitter(saturation=1.4, hue=8.0),
}


def draw_page() -> np.ndarray:
    """Return a page of text: float32 (height, width, 3)."""
    page = Image.new("RGB", (2 * WIDTH, 2 * HEIGHT), "white")
    font = ImageFont.load_default(size=23)
    ImageDraw.Draw(page).multiline_text((10, 2), TEXT, fill=(25, 22, 20), font=font, spacing=8)
    return np.asarray(page.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS), "float32")


def read_photograph() -> np.ndarray:
    """Return a part of a sample: float32 (height, width, 3)."""
    path = next(path for path in sample_paths() if path.stem == "coffee")
    with Image.open(path) as photo:
        small = photo.convert("RGB").resize((WIDTH, WIDTH * photo.height // photo.width))
    top = (small.height - HEIGHT) // 2
    return np.asarray(small, "float32")[top : top + HEIGHT]


def main(out: str) -> None:
    """Draw the sheet and write it to the PNG file `out`."""
    cases = [(name, layer, draw_page()) for name, layer in ON_PAGES.items()]
    cases += [(name, layer, read_photograph()) for name, layer in ON_PHOTOGRAPHS.items()]
    rows = -(-len(cases) // COLUMNS)
    sheet = Image.new("RGB", (COLUMNS * (WIDTH + 4), rows * (HEIGHT + LABEL)), (70, 70, 70))
    for i, (name, layer, picture) in enumerate(cases):
        left, top = i % COLUMNS * (WIDTH + 4) + 2, i // COLUMNS * (HEIGHT + LABEL)
        if layer is not None:
            result = layer(picture[None], seed=[2, i])
            picture = np.asarray(result[0] if name == "PhotoDamage" else result)[0]
        pixels = np.clip(np.round(picture), 0, 255).astype("uint8")
        sheet.paste(Image.fromarray(pixels), (left, top + LABEL))
        ImageDraw.Draw(sheet).text((left + 2, top + 2), name.strip(), fill="white")
    sheet.quantize(128, dither=Image.Dither.NONE).save(out, optimize=True)


if __name__ == "__main__":
    main(sys.argv[1])
