"""Which file becomes which.

===================  ========================================  ==============================
\\                    compress                                  decompress
===================  ========================================  ==============================
``a.jpg``            ``a.jpg.aei``; ``a.jpg`` where a copy     copied: ``a.jpg`` (compress
                     of the original is smaller                kept it)
``a.jpg.aei``        copied: ``a.jpg.aei``                     ``a.jpg.png``, or ``a.jpg``
                                                               where JPEG is asked for
``a.png.aei``        copied: ``a.png.aei``                     ``a.png``
===================  ========================================  ==============================

``denoise`` keeps the names; stored in another format, ``a.jpg`` becomes ``a.jpg.png``.

So whoever compresses a folder and decompresses the result has every picture again, and the new
names depend on nothing but the old ones. The original's suffix stays in the name unless it is
right as it is: ``a.jpg`` and ``a.png`` in one folder never meet.

One input file: the output is a file, or goes into the folder that the output names. A folder:
its tree appears in the output folder. Several inputs: each file and each folder appears in the
output folder under its own name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from aeimage.apps.report import FileResult
from aeimage.apps.scan import scan_tree
from aeimage.errors import UsageError
from aeimage.images import OUTPUT_FORMATS, is_picture_path

STREAM = "-"
SUFFIX = ".aei"
_SUFFIXES = {
    "png": (".png",),
    "jpg": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "webp": (".webp",),
    "tif": (".tif", ".tiff"),
}

PathLike = str | os.PathLike[str]


@dataclass(frozen=True)
class Task:
    """One file's work.

    Attributes:
        index: its place in the report.
        input: the file; None is standard input.
        output: the file to make; None is standard output (or nothing, for `verify`).
        keep: where a copy of the original goes if that is smaller; None if none may be made.
        copy: whether it is copied as it is in any case.
        size: of the input in bytes, 0 if unknown.
        tree: number of the input folder that it was found in; None if it was named itself.
        clash: why it fails untried: another file of the same tree would get the same name.
    """

    index: int
    input: Path | None
    output: Path | None = None
    keep: Path | None = None
    copy: bool = False
    size: int = 0
    tree: int | None = None
    clash: str | None = None

    @property
    def name(self) -> str:
        """The input as shown to the user."""
        return STREAM if self.input is None else os.fspath(self.input)


@dataclass
class Plan:
    """All of a command's work.

    Attributes:
        tasks: in order.
        failed: results that are certain already (folders that cannot be read).
        left_out: files that are no pictures.
        notes: sentences for the user.
    """

    tasks: list[Task] = field(default_factory=list)
    failed: list[FileResult] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def is_coded_path(path: PathLike) -> bool:
    """Whether a path looks like an .aei file, by its name alone."""
    return Path(path).suffix.lower() == SUFFIX


def decompressed_name(name: str, format: str) -> str:
    """The name of the picture in the .aei file called `name`, stored as `format`."""
    stem = name[: -len(SUFFIX)] if is_coded_path(name) and len(name) > len(SUFFIX) else name
    return stem if format_of(stem) == format else f"{stem}.{format}"


def format_of(path: PathLike) -> str | None:
    """The output format that a file's suffix stands for; None if it is none of them."""
    suffix = Path(path).suffix.lower()
    return next((format for format, known in _SUFFIXES.items() if suffix in known), None)


def plan_compress(inputs: Sequence[PathLike], output: PathLike | None) -> Plan:
    """Plan what ``aeimage compress`` does; see the module for the names.

    Args:
        inputs: files and folders; the string ``"-"`` alone is standard input.
        output: file or folder; the string ``"-"`` is standard output. None puts the result of
            a single file beside it.

    Raises:
        UsageError: two inputs would get the same name, the output lies in an input folder, there
            is nothing to do, or the like. Files of one folder that would get the same name fail,
            and the others do not; see `Task.clash`.
    """
    return _plan(
        inputs,
        output,
        rename=lambda name: name + SUFFIX,
        codes=is_picture_path,
        copies=is_coded_path,
        keep=True,
    )


def restored_name(name: str, format: str | None) -> str:
    """The name of the picture file called `name` once restored and stored as `format`.

    By default that is its own format, and PNG for what is not written here.
    """
    own = format_of(name)
    return name if own and own == (format or own) else f"{name}.{format or 'png'}"


def chosen_format(
    inputs: Sequence[PathLike], output: PathLike | None, format: str | None
) -> str | None:
    """The format to write: `format`, else what the single output's name says, else None.

    Raises:
        UsageError: an unknown format, or one that contradicts the name.
    """
    if format is not None and format not in OUTPUT_FORMATS:
        raise UsageError.for_value("format", f"one of {', '.join(OUTPUT_FORMATS)}", format)
    if not _is_single(inputs) or output is None or output == STREAM or _is_folder(output):
        return format
    named = format_of(output)
    if format and named and format != named:
        raise UsageError(f"{output} is a name for {named}, but the format {format} was asked for.")
    return format or named


def plan_decompress(inputs: Sequence[PathLike], output: PathLike | None, format: str) -> Plan:
    """Plan what ``aeimage decompress`` does; as `plan_compress`, with `format` for the names."""
    return _plan(
        inputs,
        output,
        rename=lambda name: decompressed_name(name, format),
        codes=is_coded_path,
        copies=is_picture_path,
    )


def plan_denoise(inputs: Sequence[PathLike], output: PathLike | None, format: str | None) -> Plan:
    """Plan what ``aeimage denoise`` does; as `plan_compress`, with `format` for the names."""
    if _is_single(inputs) and output is None and inputs[0] != STREAM:
        raise UsageError("A restored picture needs a place of its own: give it with -o OUT.")
    return _plan(
        inputs,
        output,
        rename=lambda name: restored_name(name, format),
        codes=is_picture_path,
        copies=lambda path: False,
    )


def plan_verify(inputs: Sequence[PathLike]) -> Plan:
    """Plan to look at files, and at the .aei files in folders, without any output."""
    plan = Plan()
    for item in inputs:
        path = None if item == STREAM else Path(item)
        if path is None or not path.is_dir():
            _add(plan, path, None)
        for found, _ in _files(plan, path, is_coded_path) if path and path.is_dir() else ():
            _add(plan, found, None)
    return _checked(plan, inputs)


def _plan(
    inputs: Sequence[PathLike],
    output: PathLike | None,
    *,
    rename: Callable[[str], str],
    codes: Callable[[Path], bool],
    copies: Callable[[Path], bool],
    keep: bool = False,
) -> Plan:
    plan = Plan()
    if not inputs:
        raise UsageError("There is no input. Give a file, several, or a folder.")
    if _is_single(inputs):
        _add_single(plan, inputs[0], output, rename, keep)
        return _checked(plan, inputs)
    if STREAM in inputs:
        raise UsageError("Standard input (-) cannot be combined with other inputs.")
    if output is None or output == STREAM:
        raise UsageError("Several files need a folder to go to: give it with -o FOLDER.")
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file. Expected a folder, since there are several inputs.")

    def add(path: Path, target: Path, tree: int | None = None) -> None:
        if copies(path) and not codes(path):
            if not _same_file(path, target):
                _add(plan, path, target, copy=True, tree=tree)
            return
        coded = target.with_name(rename(target.name))
        _add(plan, path, coded, keep=target if keep else None, tree=tree)

    for number, item in enumerate(map(Path, inputs)):
        if not item.is_dir():
            add(item, folder / item.name)
            continue
        _refuse_inside(folder, item)
        # "photos/.." and "." have no name of their own.
        base = folder if len(inputs) == 1 else folder / item.resolve().name
        for path, relative in _files(plan, item, lambda path: codes(path) or copies(path)):
            add(path, base / relative, number)
    return _checked(plan, inputs)


def _add_single(
    plan: Plan,
    item: PathLike,
    output: PathLike | None,
    rename: Callable[[str], str],
    keep: bool,
) -> None:
    source = None if item == STREAM else Path(item)
    if output == STREAM or (output is None and source is None):
        _add(plan, source, None)
        return
    if output is None:
        target, kept = source.with_name(rename(source.name)), source
    elif _is_folder(output):
        if source is None:
            raise UsageError(f"{output} is a folder. Expected a file, since the input has no name.")
        target, kept = Path(output) / rename(source.name), Path(output) / source.name
    else:
        target = Path(output)
        kept = None if source is None else _kept_beside(target, source)
    _add(plan, source, target, keep=kept if keep and source is not None else None)


def _is_single(inputs: Sequence[PathLike]) -> bool:
    return len(inputs) == 1 and (inputs[0] == STREAM or not Path(inputs[0]).is_dir())


def _is_folder(output: PathLike) -> bool:
    return Path(output).is_dir() or os.fspath(output).endswith((os.sep, os.altsep or os.sep))


def _kept_beside(target: Path, source: Path) -> Path:
    """Where a kept original goes if the output was to be `target`: with the suffix it needs."""
    stem = target.name[: -len(SUFFIX)] if is_coded_path(target) else target.name
    same = Path(stem).suffix.lower() == source.suffix.lower()
    return target.with_name(stem if same else stem + source.suffix)


def _files(plan: Plan, folder: Path, wanted: Callable[[Path], bool]) -> Iterable[tuple[Path, Path]]:
    """The wanted files of a tree, each also relative to it; the others go to the plan's lists."""
    tree = scan_tree(folder)
    plan.left_out += [os.fspath(p) for p in tree.files if not wanted(p)]
    plan.left_out += map(os.fspath, tree.odd)
    plan.notes += [
        f"{path}: a link to a folder that it lies in was not followed." for path in tree.loops
    ]
    for path, error in tree.unreadable:
        result = FileResult(os.fspath(path))
        result.fail(error)
        plan.failed.append(result)
    return [(path, path.relative_to(folder)) for path in tree.files if wanted(path)]


def _add(plan: Plan, source: Path | None, output: Path | None, **fields: object) -> None:
    try:
        size = 0 if source is None else source.stat().st_size
    except OSError:
        size = 0  # whoever opens it will say why
    plan.tasks.append(Task(len(plan.tasks), source, output, size=size, **fields))


def _same_file(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def _refuse_inside(output: Path, folder: Path) -> None:
    real_output, real_folder = Path(os.path.realpath(output)), Path(os.path.realpath(folder))
    if real_output == real_folder or real_folder in real_output.parents:
        raise UsageError(
            f"The output {output} lies in the input folder {folder}, so the next run would take "
            "its own results for input. Choose a folder outside of it."
        )


def _checked(plan: Plan, inputs: Sequence[PathLike]) -> Plan:
    """Refuse what would lose a file: two outputs of one name, an output that is an input.

    Two outputs of one name from one tree are not the fault of the command line: they fail alone.
    """
    if not plan.tasks and not plan.failed:
        where = ", ".join(map(os.fspath, inputs))
        raise UsageError(f"There is nothing to do: no file of a kind used here lies in {where}.")
    sources = {os.path.realpath(task.input) for task in plan.tasks if task.input is not None}
    taken: dict[str, Task] = {}
    clashes: dict[int, str] = {}
    for task in plan.tasks:
        for target in {task.output, task.keep} - {None}:
            real = os.path.realpath(target)
            other = taken.setdefault(real, task)
            if other is not task and task.tree is not None and task.tree == other.tree:
                for one, another in ((task, other), (other, task)):
                    clashes[one.index] = (
                        f"It and {another.name} would both be written to {target}. Rename or "
                        "remove one of them."
                    )
            elif other is not task:
                raise UsageError(
                    f"{other.name} and {task.name} would both be written to {target}. Rename one, "
                    "or give them one after the other with different outputs."
                )
            # Only an original that stays where it is may be both.
            if real in sources and (target == task.output or real != os.path.realpath(task.input)):
                raise UsageError(
                    f"The output of {task.name} would be {target}, which is an input itself. "
                    "Choose another output."
                )
    plan.tasks = [replace(task, clash=clashes.get(task.index)) for task in plan.tasks]
    return plan
