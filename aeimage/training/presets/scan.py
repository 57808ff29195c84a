"""The scan restorer: damaged pages in, clean pages out, before OCR.

    aeimage train scan --data PAGES --out runs/scan

PAGES are clean pages, scans of two levels among them; pages drawn with this machine's fonts are
mixed in, half and half. Damage is made on the way. What else a run may be given, with --set:

    exclude=PATTERN       file names not to train on
    pairs=DAMAGED:CLEAN   folders of real damaged scans and of their clean originals
    papers=FOLDER         pages `*_source.*` with masks of their ink `*_target.*`: real paper
    photos=FOLDER         photographs, so that pictures inside pages are left alone
    words=FOLDER          text files, for the drawn pages

Takes 0.3 s a step on 2 CPU cores with AMX (batch 16 of 160x160, mixed_bfloat16).
docs/training-log.md lists what the shipped weights reached and when.
"""

from pathlib import Path

from aeimage.corruption import ScanDamage
from aeimage.data.fonts import find_faces, split_families
from aeimage.data.page_crops import PageSampler, page_paths
from aeimage.data.page_pairs import group_pairs, split_groups
from aeimage.data.paper import paper_textures
from aeimage.data.pictures import picture_paths, split
from aeimage.data.words import read_words
from aeimage.errors import UsageError
from aeimage.models.restorer import RestorerConfig
from aeimage.training.request import TrainingRequest
from aeimage.training.restorer_task import ScanTask

KIND = "restorer"
CONFIG = RestorerConfig(
    widths=(32, 64, 96, 128),
    encoder_blocks=(1, 1, 1, 2),
    decoder_blocks=(1, 1, 1),
    level_map=False,
)
CROP = 160
CROP_MULTIPLE = 32
BATCH_SIZE = 16
STEPS = 50_000
LEARNING_RATE = 1e-3
PRECISION = "mixed_bfloat16"
PAIR_SHARE = 0.4
ACCEPTS = ("exclude", "pairs", "papers", "photos", "words")


def make_task(request: TrainingRequest, report=print) -> ScanTask:
    """Return the task of this preset, its data loaded."""
    options = request.options
    exclude = [options["exclude"]] if "exclude" in options else []
    training, held_out = split(page_paths(request.data, exclude=exclude), most=6)
    if request.validation_data:
        training, held_out = training + held_out, picture_paths(request.validation_data)
    pairs = held_out_pairs = ()
    if "pairs" in options:
        pairs, held_out_pairs = split_groups(group_pairs(*_folders(options["pairs"])))
    textures = None
    if "papers" in options:
        scans = sorted(Path(options["papers"]).glob("*_source.*"))
        textures = paper_textures(scans, [_mask(path) for path in scans])
    photos = picture_paths([Path(options["photos"])]) if "photos" in options else ()
    words = read_words(sorted(Path(options["words"]).glob("*.txt"))) if "words" in options else ()
    faces, unseen = split_families(find_faces())
    common = {"size": request.crop, "batch_size": request.batch_size, "seed": request.seed}
    common |= {"channels": 3, "words": words, "report": report}
    common |= {"pair_share": PAIR_SHARE}
    sampler = PageSampler(training, faces=faces or unseen, pairs=pairs, photos=photos, **common)
    validation = PageSampler(held_out, faces=unseen or faces, pairs=held_out_pairs, **common)
    report(
        f"{len(training)} pages, {len(faces)} fonts, {len(pairs)} pairs, {len(photos)} photographs "
        f"to train on; {len(held_out)} pages, {len(unseen)} fonts, {len(held_out_pairs)} pairs "
        "held out"
    )
    damage = ScanDamage(textures=textures)
    return ScanTask(sampler, validation, config=CONFIG, damage=damage, seed=request.seed)


def _folders(pair: str) -> tuple[Path, Path]:
    damaged, _, clean = pair.partition(":")
    if not clean:
        raise UsageError.for_value("pairs", "two folders, DAMAGED:CLEAN", pair)
    return Path(damaged), Path(clean)


def _mask(scan: Path) -> Path:
    masks = sorted(scan.parent.glob(scan.name.partition("_source")[0] + "_target.*"))
    if not masks:
        raise UsageError(f"{scan}: has no mask `*_target.*` beside it. Add one, or leave it out.")
    return masks[0]
