"""The memory check runs both ways on a small picture, and can fail."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import check_memory

COMMAND = [sys.executable, check_memory.__file__, "--width", "200", "--height", "100"]


def test_it_measures_both_directions_and_fails_over_the_limit():
    result = subprocess.run([*COMMAND, "--limit", "1e6"], capture_output=True, text=True)
    peaks = re.findall(r"^(\w+) +[\d.]+ s  peak +(\d+) MB$", result.stdout, re.MULTILINE)
    assert [name for name, _ in peaks] == ["compress", "decompress"]
    assert all(30 < int(peak) < 1500 for _, peak in peaks)
    assert result.returncode == 1
    assert "Over the limit of 1 MB" in result.stderr


def test_its_picture_is_a_quilt_of_the_samples(tmp_path: Path):
    from PIL import Image

    check_memory.make_picture(tmp_path / "quilt.bmp", 700, 450)
    with Image.open(tmp_path / "quilt.bmp") as quilt:
        assert quilt.size == (700, 450)
        assert all(high - low > 100 for low, high in quilt.getextrema())
