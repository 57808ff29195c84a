"""The tree is as drawn, the messages help, and errors cross process borders."""

import inspect
import pickle
import re

import pytest

from aeimage import errors

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, errors.AEImageError)
]
EXAMPLES = [
    errors.UsageError.for_value("quality", "a number from 0 to 100", 101),
    errors.OutputExistsError.for_path("a.aei"),
    errors.MissingDependencyError.for_package("tensorflow", "train", "Training"),
    errors.PictureTooLargeError.for_size("a.png", 30_000, 20_000, 178_956_970),
    errors.ModelNotFoundError.for_model("codec-7", needed_by="a.aei", installed=["codec-1"]),
    errors.ModelNotFoundError.for_model("codec-7", how="Ask Anna."),
]


def test_the_tree_in_the_docstring_is_the_tree():
    drawn, path = {}, []
    for line in errors.__doc__.splitlines():
        match = re.match(r"    ([│├└─\s]*)([A-Z]\w+Error)(?: \((\w+)\))?(?=\s|$)", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            drawn[match[2]] = (path[depth - 1] if depth else "Exception", match[3])
    assert set(drawn) == {cls.__name__ for cls in CLASSES}
    for cls in CLASSES:
        parent, also = drawn[cls.__name__]
        assert cls.__bases__[0].__name__ == parent, cls
        assert [base.__name__ for base in cls.__bases__[1:]] == ([also] if also else []), cls
        assert cls.__doc__


@pytest.mark.parametrize("cls", CLASSES)
def test_any_message_survives_pickling(cls):
    error = pickle.loads(pickle.dumps(cls("what was wrong")))
    assert type(error) is cls
    assert str(error) in ("what was wrong", "'what was wrong'")


@pytest.mark.parametrize("error", EXAMPLES)
def test_examples_survive_pickling(error):
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_messages():
    usage, exists, missing, large, model, other = map(str, EXAMPLES)
    assert usage == (
        "Invalid value for `quality`. Expected a number from 0 to 100. Received: quality=101"
    )
    assert "a.aei" in exists
    assert "--force" in exists
    assert 'pip install "aeimage[train]"' in missing
    assert "30000 x 20000 = 600000000" in large
    assert "178956970" in large
    assert model.startswith("a.aei: was made with the model 'codec-7', which is not installed.")
    assert "Installed: codec-1." in model
    assert "pip install --upgrade aeimage" in model
    assert other == "The model 'codec-7' is not installed. Installed: none. Ask Anna."
