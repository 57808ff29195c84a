"""Our codec against JPEG, WebP, AVIF and JPEG XL, on the same pictures in one run.

    pip install -e . matplotlib scipy pillow-jxl-plugin
    python tools/benchmark.py --data kodak --out build/kodak --crops
    python tools/benchmark.py --data pages --limit 12 --out build/pages
    python tools/benchmark.py --codecs jpeg,aeimage --qualities aeimage=5,50,95 --limit 2

Writes to `--out`: `results.csv` (a row for each picture, codec and setting), `curves.csv` (means
over the pictures), `summary.csv` and `summary.md` (a row a codec: BD-rates, ranges, seconds per
megapixel), `rd_psnr.png` and `rd_ms_ssim.png`, and with `--crops` `crops.png`.

Seconds mean something only on an otherwise idle machine. All of the 24 Kodak pictures together are
recognised; only for them are published curves drawn and BD-rates taken against the published
`jpeg`. For other pictures BD-rates are against JPEG of the same run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from bd_rate import PSNR_INTERVAL, load_anchors
from benchmark_codecs import DEFAULT_QUALITIES, BenchmarkCodec, CodecUnavailableError, open_codec
from benchmark_crops import draw_crops, parse_crop
from benchmark_markdown import summary_markdown
from benchmark_plots import plot_rate_distortion
from benchmark_run import Job, Row, find_pictures, is_kodak, measure
from benchmark_summary import Point, mean_points, summarise, write_csv, write_summary_csv

from aeimage.samples import sample_paths


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the benchmark; 0 if it finished, 2 if the arguments make no sense."""
    parser = _parser()
    args = parser.parse_args(argv)
    pictures = find_pictures(args.data, args.limit) if args.data else sample_paths()[: args.limit]
    if not pictures:
        parser.error(f"no pictures in {args.data}")
    crops = None if args.crops is None else _crops(parser, args.crops, pictures)
    qualities = DEFAULT_QUALITIES | dict(args.qualities)
    codecs = _open_codecs(args, qualities)
    if not codecs:
        parser.error("none of the codecs is available here")

    args.out.mkdir(parents=True, exist_ok=True)
    rows = _measure(args, codecs, qualities, pictures)
    kodak = is_kodak(pictures)
    anchors = load_anchors(args.anchors) if kodak or args.anchors else None
    if anchors is None:
        _say("not the 24 Kodak pictures: BD-rates against JPEG of this run, no published curves")
    interval = tuple(args.interval)
    summaries = summarise(rows, codecs, anchors, interval)

    write_csv(args.out / "results.csv", rows, Row)
    write_csv(args.out / "curves.csv", mean_points(rows), Point)
    write_summary_csv(args.out / "summary.csv", summaries)
    folder = args.data.resolve().name if args.data else "aeimage/samples"
    count = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
    what = "the 24 Kodak pictures" if kodak else f"{count} of {folder}"
    text = summary_markdown(
        summaries,
        pictures=what[0].upper() + what[1:],
        published=anchors is not None,
        interval=interval,
    )
    (args.out / "summary.md").write_text(text, encoding="utf-8")
    for metric in ("psnr", "ms_ssim"):
        plot_rate_distortion(
            args.out / f"rd_{metric}.png",
            summaries,
            anchors,
            metric=metric,
            title=f"Mean over {what}; grey: published" if anchors else f"Mean over {what}",
        )
    if crops is not None:
        draw_crops(args.out / "crops.png", codecs, crops, args.crops_quality)
    print(text)
    _say(f"written to {args.out}")
    return 0


def _open_codecs(args: argparse.Namespace, qualities: dict) -> dict[str, BenchmarkCodec]:
    codecs: dict[str, BenchmarkCodec] = {}
    for name in args.codecs:
        try:
            codec = open_codec(name, **_codec_options(args, name))
        except CodecUnavailableError as error:
            _say(f"WARNING: left out: {error}")
            continue
        if codec.speed_only and args.jobs > 1:
            _say(f"WARNING: left out: {codec.label}: measures speed only, which needs --jobs 1")
            continue
        codecs[name] = codec
        _say(f"{codec.label}: {codec.version}; settings {', '.join(map(str, qualities[name]))}")
    return codecs


def _codec_options(args: argparse.Namespace, name: str) -> dict[str, object]:
    return {"model": args.model, "effort": args.effort} if name == "aeimage" else {}


def _measure(
    args: argparse.Namespace,
    codecs: dict[str, BenchmarkCodec],
    qualities: dict[str, tuple[float, ...]],
    pictures: Sequence[Path],
) -> list[Row]:
    if args.jobs > 1:
        _say("WARNING: with --jobs above 1 nothing is timed: the seconds stay empty")
    jobs = [Job(name, path, qualities[name]) for name in codecs for path in pictures]
    total = sum(len(job.qualities) for job in jobs)
    done = 0

    def report(n: int) -> None:
        nonlocal done
        done += n
        print(f"\r{done}/{total} encoded, decoded, measured", end="", file=sys.stderr, flush=True)

    options = {name: _codec_options(args, name) for name in codecs}
    rows = measure(jobs, codecs, report, processes=args.jobs, codec_options=options)
    print(file=sys.stderr)
    return rows


def _crops(parser: argparse.ArgumentParser, names: Sequence[str], pictures: Sequence[Path]) -> list:
    if not names:
        return [(path, None) for path in pictures[:3]]
    by_name = {path.name: path for path in pictures}
    chosen = []
    for text in names:
        try:
            name, window = parse_crop(text)
        except ValueError as error:
            parser.error(str(error))
        if name not in by_name:
            parser.error(f"--crops: {name} is not among the pictures")
        chosen.append((by_name[name], window))
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add(
        "--data",
        type=_folder,
        help="folder of pictures (default: those shipped in aeimage/samples)",
    )
    add(
        "--out",
        type=Path,
        default=Path("build/benchmark"),
        help="where to write (default: %(default)s)",
    )
    add(
        "--codecs",
        type=_codec_names,
        default=list(DEFAULT_QUALITIES),
        metavar="A,B,…",
        help=f"which, of {','.join(DEFAULT_QUALITIES)} (default: all)",
    )
    add(
        "--qualities",
        type=_codec_qualities,
        action="append",
        default=[],
        metavar="CODEC=A,B,…",
        help="a codec's settings instead of the default ones; may be repeated",
    )
    add("--model", default="photo", help="model of aeimage (default: %(default)s)")
    add("--effort", type=int, help="effort of aeimage (default: its own)")
    add("--limit", type=_positive, help="take the first N pictures only")
    add(
        "--jobs", type=_positive, default=1, help="processes; above 1 nothing is timed (default: 1)"
    )
    add(
        "--crops",
        nargs="*",
        metavar="NAME[:X,Y,W,H]",
        help="also draw crops at equal bytes, of these pictures (default: the first three)",
    )
    add(
        "--crops-quality",
        type=float,
        default=20.0,
        metavar="Q",
        help="quality of aeimage that sets the crops' bytes (default: %(default)s)",
    )
    add("--anchors", type=Path, help="published curves to use, whatever the pictures are")
    add(
        "--interval",
        type=float,
        nargs=2,
        default=list(PSNR_INTERVAL),
        metavar=("LOW", "HIGH"),
        help="PSNR interval of BD-rates in dB (default: 28.5 38; others are not comparable)",
    )
    return parser


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return path


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"expected at least 1, received {text}")
    return value


def _codec_names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if unknown := [name for name in names if name not in DEFAULT_QUALITIES]:
        raise argparse.ArgumentTypeError(
            f"no codec {', '.join(unknown)}; there are {', '.join(DEFAULT_QUALITIES)}"
        )
    return list(dict.fromkeys(names))


def _codec_qualities(text: str) -> tuple[str, tuple[float, ...]]:
    name, _, values = text.partition("=")
    _codec_names(name)
    try:
        return name, tuple(int(v) if v.strip().isdigit() else float(v) for v in values.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected CODEC=A,B,…, received {text}") from None


def _say(text: str) -> None:
    print(text, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
