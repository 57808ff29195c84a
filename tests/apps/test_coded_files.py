"""Reading .aei files without trusting what their headers claim."""

from __future__ import annotations

import io

import pytest

from aeimage.apps.coded_files import read_coded_bytes
from aeimage.codec.header import MAX_BODY, Header, header_bytes


class Recorder(io.BytesIO):
    """A stream that remembers the largest read that was asked of it."""

    largest = 0

    def read(self, size: int = -1) -> bytes:
        self.largest = max(self.largest, size)
        return super().read(size)


def test_a_header_that_claims_gigabytes_does_not_get_them():
    head, _ = header_bytes(Header(100, 100, 50.0, bytes(8)), MAX_BODY)
    stream = Recorder(head)
    assert read_coded_bytes(stream, None) == head
    assert 0 < stream.largest <= 2**20


@pytest.mark.parametrize("length", [0, 10, 2**20, 2**20 + 7, 3 * 2**20])
def test_all_that_the_header_announces_is_read_and_a_byte_more(length):
    head, _ = header_bytes(Header(100, 100, 50.0, bytes(8)), length)
    body = bytes(range(256)) * (length // 256 + 1)
    data = head + body[:length]
    assert read_coded_bytes(io.BytesIO(data), None) == data
    longer = data + bytes(1000)
    assert len(data) < len(read_coded_bytes(io.BytesIO(longer), None)) < len(data) + 40
