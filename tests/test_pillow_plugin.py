"""`Image.open` and `Image.save` with .aei files."""

import io
import pickle
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

import aeimage.pillow_plugin
from aeimage.codec.container import read_container
from aeimage.errors import ChecksumError, FileFormatError, NotAnAeiFileError, UsageError
from aeimage.runtime import compressor

FAKES = str(Path(__file__).parent / "fakes")
if FAKES not in sys.path:
    sys.path.insert(0, FAKES)

import fake_codec  # noqa: E402

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
XMP = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>"


@pytest.fixture(autouse=True)
def codec(monkeypatch, tmp_path_factory):
    return fake_codec.install(monkeypatch, tmp_path_factory.mktemp("models"))


@pytest.fixture
def image():
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8)
    return Image.fromarray(pixels)


def saved(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "AEI", **options)
    return buffer.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data))


def exif(orientation):
    tags = Image.Exif()
    tags[0x0112], tags[0x010F] = orientation, "A maker"
    return tags


def test_a_picture_there_and_back(image, tmp_path):
    path = tmp_path / "x.aei"
    image.save(path, quality=100)
    with Image.open(path) as again:
        assert (again.format, again.mode, again.size) == ("AEI", "RGB", (40, 30))
        assert again.get_format_mimetype() == "image/x-aei"
        assert (np.asarray(again) == np.asarray(image)).all()
    assert Image.open(path).copy().getpixel((3, 4)) == image.getpixel((3, 4))
    assert Image.open(path).resize((20, 15)).size == (20, 15)
    assert pickle.loads(pickle.dumps(Image.open(path))).tobytes() == image.tobytes()


def test_opening_needs_no_model(image, monkeypatch):
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    data = saved(image, icc_profile=ICC, exif=exif(1), xmp=XMP, dpi=(300, 150))
    monkeypatch.setattr(compressor, "decompress", None)
    again = opened(data)
    assert (again.mode, again.size) == ("RGBA", (40, 30))
    assert again.info["icc_profile"] == ICC
    assert again.info["xmp"] == XMP
    assert again.info["dpi"] == (300, 150)
    assert again.info["exif"].startswith(b"Exif\0\0")
    assert again.getexif()[0x010F] == "A maker"
    monkeypatch.undo()
    monkeypatch.setattr(compressor, "decompress", fake_codec.decompress)
    assert np.array_equal(np.asarray(again)[..., 3], np.asarray(image)[..., 3])


def test_metadata_is_kept_replaced_or_dropped(image):
    image.info |= {"icc_profile": ICC, "xmp": XMP, "dpi": (72, 72), "exif": exif(1).tobytes()}
    assert set(opened(saved(image)).info) == {"icc_profile", "xmp", "dpi", "exif"}
    assert set(opened(saved(image, strip=True)).info) == set()
    assert set(opened(saved(image, icc_profile=None, xmp=b"", exif=b"")).info) == {"dpi"}
    assert opened(saved(image, dpi=None, xmp=b"<other/>")).info["xmp"] == b"<other/>"
    assert "dpi" not in opened(saved(image, dpi=None)).info
    assert set(image.info) == {"icc_profile", "xmp", "dpi", "exif"}  # the image is as it was


@pytest.mark.parametrize("where", ["info", "bytes", "object", "both"])
def test_orientation_is_applied_once(image, where):
    if where in ("info", "both"):
        image.info["exif"] = exif(6).tobytes()
    options = {} if where == "info" else {"exif": exif(6)}
    if where == "bytes":
        options["exif"] = exif(6).tobytes()
    again = opened(saved(image, quality=100, **options))
    assert again.size == (30, 40)
    assert again.getexif()[0x0112] == 1
    assert np.array_equal(np.asarray(again), np.rot90(np.asarray(image), -1))


def test_options_reach_the_codec(image):
    assert read_container(saved(image, quality=33.25)).header.quality == 33.25
    assert len(saved(image, max_bytes=10**6, effort=0, model="photo")) > 100
    with pytest.raises(UsageError, match="one of quality, bpp"):
        saved(image, quality=10, psnr=30)
    with pytest.raises(LookupError):
        saved(image, model="nothing")


def test_what_gets_lost_is_told():
    with pytest.warns(UserWarning, match="8 bits"):
        data = saved(Image.new("I;16", (40, 30), 1000))
    assert opened(data).mode == "RGB"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        saved(Image.new("P", (40, 30)))
        saved(Image.new("1", (40, 30)))


def test_a_failed_save_leaves_no_file(image, tmp_path):
    with pytest.raises(UsageError):
        image.save(tmp_path / "x.aei", quality=200)
    assert not list(tmp_path.iterdir())


def test_damaged_files(image):
    data = saved(image)
    changed = bytearray(data)
    changed[-1] ^= 1
    with pytest.raises(ChecksumError):
        opened(bytes(changed))
    with pytest.raises(FileFormatError):
        opened(data[:-3])
    with pytest.raises(FileFormatError):
        opened(data + b"x")
    with pytest.raises(NotAnAeiFileError, match="as text"):
        opened(data.replace(b"\r\n", b"\n"))
    with pytest.raises(OSError, match="cannot identify"):
        opened(b"something else")


def test_verify_decodes_the_symbols(image):
    container = read_container(saved(image))
    container.hyper = b"\1nonsense"
    from aeimage.codec.container import write_container

    with pytest.raises(FileFormatError):
        opened(write_container(container)).verify()
    opened(saved(image)).verify()


def test_pillows_limit_on_pixels_applies(image, monkeypatch):
    data = saved(image)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with pytest.raises(Image.DecompressionBombError):
        opened(data)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.warns(Image.DecompressionBombWarning):
        opened(data)


def test_pillow_alone_knows_nothing_of_it():
    """The plugin is asked for by name: importing aeimage does not change Pillow."""
    code = (
        "import aeimage, PIL.Image; PIL.Image.init(); print('AEI' in PIL.Image.OPEN)\n"
        "import aeimage.pillow_plugin, sys; print('AEI' in PIL.Image.OPEN)\n"
        "print('ai_edge_litert' in sys.modules, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(aeimage.__file__).parents[1],  # the one that is tested here, installed or not
    )
    assert result.stdout.split() == ["False", "True", "False", "False"]
