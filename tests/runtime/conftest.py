"""Fake restorers, for the tests of what is around the networks."""

import sys
from pathlib import Path

import pytest

FAKES = str(Path(__file__).parents[1] / "fakes")
if FAKES not in sys.path:
    sys.path.insert(0, FAKES)

import fake_restorer  # noqa: E402


@pytest.fixture
def restorers(monkeypatch, tmp_path_factory):
    return fake_restorer.install(monkeypatch, tmp_path_factory.mktemp("models"))
