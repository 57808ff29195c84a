"""Every command and option is explained, and every example works."""

import argparse
import os
import pkgutil
import re
from pathlib import Path

import pytest

import aeimage.cli
from aeimage.cli.main import command_parser
from aeimage.cli.registry import COMMANDS, load_command

DOCUMENT = Path(__file__).parents[2] / "docs" / "cli.md"
NO_COMMANDS = {"main", "options", "output", "registry"}
# They train, which takes TensorFlow and most of a minute.
SLOW = {"anomaly", "train", "tune", "export"}
slow = pytest.mark.skipif(
    not {"CI", "AEIMAGE_SLOW_TESTS"} & set(os.environ),
    reason="slow: runs where CI or AEIMAGE_SLOW_TESTS is set",
)


def blocks():
    """The shell blocks of the document, each a list of aeimage's command lines."""
    found = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    lines = [[re.sub(r"\s+#.*", "", line) for line in block.splitlines()] for block in found]
    return [[line for line in block if line.startswith("aeimage ")] for block in lines]


def test_every_module_is_a_registered_command():
    modules = {module.name for module in pkgutil.iter_modules(aeimage.cli.__path__)}
    assert modules - NO_COMMANDS == {name.replace("-", "_") for name in COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name, shell):
    command = load_command(name)
    assert COMMANDS[name] and command.__doc__
    assert any(re.match(rf"aeimage {name}\b", example) for example in command.EXAMPLES)
    for action in command_parser(name)._actions:
        explained = action.help and action.help != argparse.SUPPRESS
        assert explained or action.choices, f"{name}: {action.dest} has no help"
    assert re.search(rf"aeimage {name}\b", DOCUMENT.read_text(encoding="utf-8"))
    result = shell(f"aeimage {name} --help")
    assert result.code == 0
    assert command.EXAMPLES[0] in result.text
    assert name in shell("aeimage --help").text


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[slow] * (name in SLOW)) for name in COMMANDS]
)
def test_examples_of_the_help(name, shell, workplace):
    """In the order in which they stand, in one folder: one may use what another made."""
    if name in SLOW:
        pytest.importorskip("tensorflow", reason="training needs the train extra")
    for example in load_command(name).EXAMPLES:
        result = shell(example)
        assert result.code == 0, (example, result.errors)
        assert "error" not in result.errors


@pytest.mark.parametrize("block", blocks())
def test_examples_of_the_document(block, shell, workplace):
    for line in block:
        result = shell(line)
        assert result.code == 0, (line, result.errors)
