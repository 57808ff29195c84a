"""The order of the stages, and what the light ones stay free of.

Pixels go in on the left, bytes come out on the right; each stage imports only stages to its left.
Imports are read from the source, so nothing here needs TensorFlow.
"""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "aeimage"

# Left to right. Modules of one stage may import one another.
STAGES: dict[str, tuple[str, ...]] = {
    "ground": (
        "errors",
        "files",
        "images",
        "latents",
        "limits",
        "metrics",
        "pull_push",
        "samples",
        "scale_network",
        "table_fitting",
        "tables",
        "tiles",
    ),
    "data": ("data",),
    "corruption": ("corruption",),
    "models": ("models",),
    "training": ("training",),
    "export": ("export",),
    "codec": ("codec",),
    "runtime": ("runtime",),
    "apps": ("apps",),
    # The package itself is a door too: `aeimage.compress` and the like.
    "doors": ("", "pillow_plugin", "ocrmypdf_plugin"),
    "cli": ("cli", "__main__"),
}
ORDER = list(STAGES)

# They stand to the right of the stages that need TensorFlow, yet must work without it.
WITHOUT_TENSORFLOW = ("codec", "runtime")
NEEDS_TENSORFLOW = ("data", "corruption", "models", "training", "export")

# What these import at module level is installed with the core. (`apps` holds some that train.)
LIGHT = ("ground", "codec", "runtime", "doors", "cli")
CORE_DEPENDENCIES = {"PIL", "ai_edge_litert", "constriction", "numpy", "tqdm"}
# A plugin is imported by its host.
HOSTS = {"aeimage.ocrmypdf_plugin": {"ocrmypdf"}}

MAX_LINES = 350
LONGER_MODULES: set[str] = set()  # stays empty: split the module instead


@dataclass(frozen=True)
class Import:
    """One import statement's target.

    Attributes:
        target: absolute dotted name of the module.
        line: where it stands.
        eager: whether it runs when the importing module is imported.
    """

    target: str
    line: int
    eager: bool


def _name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {_name_of(path): path for path in sorted(PACKAGE.rglob("*.py"))}
TREES = {name: ast.parse(path.read_bytes()) for name, path in MODULES.items()}


def _imports(tree: ast.Module, module: str) -> Iterator[Import]:
    """Yield what a module imports; blocks under `if TYPE_CHECKING` do not count as eager."""

    def walk(node: ast.AST, eager: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, eager)
            elif isinstance(child, ast.ImportFrom):
                assert child.level == 0, f"{module}:{child.lineno}: relative import"
                assert child.module is not None
                for alias in child.names:
                    if (child.module, alias.name) == ("aeimage", "__version__"):
                        continue  # which loads nothing: every stage may note it in its files
                    # `from package import module` depends on the module, not on the package.
                    full = f"{child.module}.{alias.name}"
                    yield Import(full if full in MODULES else child.module, child.lineno, eager)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for part in child.body:
                    yield from walk(ast.Module([part], []), False)
                for part in child.orelse:
                    yield from walk(ast.Module([part], []), eager)
            else:
                deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from walk(child, eager and not deferred)

    yield from walk(tree, True)


IMPORTS = {name: list(_imports(tree, name)) for name, tree in TREES.items()}


def _stage(module: str) -> str | None:
    first = module.partition(".")[2].partition(".")[0]
    return next((stage for stage, members in STAGES.items() if first in members), None)


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] == "aeimage"


def _with_parents(module: str) -> set[str]:
    """Return the module and the packages that importing it runs first."""
    parts = module.split(".")
    return {".".join(parts[:count]) for count in range(1, len(parts) + 1)}


def _is_public(name: str) -> bool:
    return not name.startswith("_")


def test_every_module_belongs_to_a_stage():
    strangers = [name for name in MODULES if _stage(name) is None]
    assert not strangers, f"say in STAGES where these belong: {strangers}"


@pytest.mark.parametrize("module", MODULES)
def test_each_stage_imports_only_stages_to_its_left(module):
    here = _stage(module)
    wrong = []
    for item in filter(lambda item: _is_ours(item.target), IMPORTS[module]):
        there = _stage(item.target)
        assert there is not None, f"{module}:{item.line}: {item.target} belongs to no stage"
        forbidden = here in WITHOUT_TENSORFLOW and there in NEEDS_TENSORFLOW
        if ORDER.index(there) > ORDER.index(here) or forbidden:
            wrong.append(f"line {item.line}: {item.target} ({there})")
    assert not wrong, f"{module} ({here}) must not import {'; '.join(wrong)}"


def test_no_modules_import_each_other_in_a_circle():
    graph = {
        name: {item.target for item in items if item.eager and item.target in MODULES}
        for name, items in IMPORTS.items()
    }
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("module", [name for name in MODULES if _stage(name) in LIGHT])
def test_light_modules_need_only_the_core_dependencies(module):
    """Followed through our own modules, so that no detour brings TensorFlow in."""
    seen, todo, wrong = {module}, [(module, "")], []
    while todo:
        name, way = todo.pop()
        for item in IMPORTS[name]:
            if not item.eager:
                continue
            if _is_ours(item.target):
                new = _with_parents(item.target) - seen
                seen |= new
                todo += [(target, f"{way}{name} → ") for target in new]
                continue
            package = item.target.partition(".")[0]
            allowed = CORE_DEPENDENCIES | HOSTS.get(name, set()) | sys.stdlib_module_names
            if package not in allowed:
                wrong.append(f"{way}{name}:{item.line} → {package}")
    assert not wrong, "import these within a function, or not at all:\n" + "\n".join(wrong)


@pytest.mark.parametrize("module", [name for name in MODULES if _stage(name) in WITHOUT_TENSORFLOW])
def test_codec_and_runtime_never_import_tensorflow(module):
    """Not even within a function."""
    packages = {item.target.partition(".")[0] for item in IMPORTS[module]}
    assert not packages & {"tensorflow", "keras", "tensorflow_datasets", "jax", "torch"}


@pytest.mark.parametrize("module", MODULES)
def test_modules_stay_short(module):
    lines = MODULES[module].read_text(encoding="utf-8").count("\n")
    assert lines <= MAX_LINES or module in LONGER_MODULES, f"{lines} lines: split it"


@pytest.mark.parametrize("module", MODULES)
def test_public_things_have_docstrings(module):
    tree = TREES[module]
    bare = [] if ast.get_docstring(tree) else ["the module itself"]
    for node in tree.body:
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if named and _is_public(node.name) and not ast.get_docstring(node):
            bare.append(f"{node.name} (line {node.lineno})")
    assert not bare, f"{module}: no docstring: {', '.join(bare)}"


def _python(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_import_aeimage_loads_next_to_nothing():
    loaded = set(
        _python(
            "import sys; before = set(sys.modules); import aeimage; "
            "print(*(set(sys.modules) - before))"
        ).split()
    )
    assert {name for name in loaded if _is_ours(name)} == {"aeimage", "aeimage.errors"}
    assert not {name.partition(".")[0] for name in loaded} - sys.stdlib_module_names - {"aeimage"}


def test_import_aeimage_is_quick():
    def seconds(package):
        code = (
            f"import time; start = time.process_time(); import {package}; "
            "print(time.process_time() - start)"
        )
        # The best of three, and processor time, because other things run on a build server.
        return min(float(_python(code)) for _ in range(3))

    # Measured: 0.002 s against 0.08 s. A ratio holds on slow and on busy machines too.
    assert seconds("aeimage") < 0.25 * seconds("numpy")


def test_a_round_trip_leaves_tensorflow_out():
    from aeimage.runtime.bundle import installed_bundles

    if not installed_bundles("codec"):
        pytest.skip("no codec bundle in saved_models/")
    out = _python(
        "import sys, aeimage\n"
        "from aeimage.samples import sample_paths\n"
        "data = aeimage.compress(sample_paths()[0], quality=20)\n"
        "print(*aeimage.decompress(data).size)\n"
        "heavy = {'tensorflow', 'keras', 'jax', 'scipy', 'matplotlib'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    size, heavy = out.splitlines()
    assert min(map(int, size.split())) > 0
    assert heavy == "[]"


def test_the_public_names():
    import aeimage

    assert aeimage.__all__ == sorted(aeimage.__all__)
    assert set(aeimage.__all__) <= set(dir(aeimage))
    for name in aeimage.__all__:
        assert getattr(aeimage, name) is not None
    assert aeimage.__version__[0].isdigit()
    with pytest.raises(AttributeError, match="no attribute 'compres'"):
        aeimage.compres  # noqa: B018
