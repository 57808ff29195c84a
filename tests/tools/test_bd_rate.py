"""BD-rate: known shifts, cut intervals, and the reference table of the field on Kodak."""

import json
from pathlib import Path

import pytest

pytest.importorskip("scipy")

from bd_rate import ANCHOR, Curve, anchor_curve, bd_rate, load_anchors, ms_ssim_db

_SHARED = Path(__file__).resolve().parents[3] / "shared" / "anchors" / "kodak_rd.json"

# Decimal places as in the project's design: the protocol is right only if all of these come out.
_REFERENCE = {
    "measured_jxl_e7": -32.9,
    "measured_webp": -38.4,
    "measured_avif_s6": -49.5,
    "bmshj2018_factorized": -42.5,
    "bmshj2018_hyperprior": -54.9,
    "shallow_ntc_2layer": -54.4,
    "bpg_444": -56.7,
    "mbt2018_mean": -58.1,
    "shallow_ntc_2layer_sga": -58.8,
    "av1_libaom_cpu0_444": -60.0,
    "mbt2018": -61.8,
    "vtm_intra": -65.9,
}


@pytest.mark.parametrize("name", _REFERENCE)
def test_reference_table(name):
    anchors = load_anchors()
    found = bd_rate(anchor_curve(anchors[ANCHOR]), anchor_curve(anchors[name]))
    assert round(found.percent, 1) == _REFERENCE[name]
    assert not found.clipped


@pytest.mark.skipif(not _SHARED.exists(), reason="the shared anchors are not here")
def test_committed_anchors_equal_the_shared_ones():
    shared = json.loads(_SHARED.read_text(encoding="utf-8"))
    ours = load_anchors()
    assert ours.keys() == shared.keys()
    for name, entry in ours.items():
        for key in ("bpp", "psnr", "ms_ssim"):
            assert entry.get(key) == shared[name].get(key)


def test_a_constant_factor_of_rate_is_found_exactly():
    anchor = Curve([0.2, 0.5, 1.0, 2.0], [28, 32, 36, 40])
    test = Curve([0.1, 0.25, 0.5, 1.0], [28, 32, 36, 40])
    found = bd_rate(anchor, test)
    assert found.percent == pytest.approx(-50)
    assert (found.low, found.high, found.clipped) == (28.5, 38.0, False)
    assert bd_rate(test, anchor).percent == pytest.approx(100)
    assert bd_rate(anchor, anchor).percent == 0


def test_order_and_repeated_qualities_do_not_matter():
    anchor = Curve([0.2, 0.5, 1.0, 2.0], [28, 32, 36, 40])
    shuffled = Curve([1.0, 0.2, 2.0, 2.5, 0.5], [36, 28, 40, 40, 32])
    assert bd_rate(anchor, shuffled).percent == pytest.approx(0)


def test_the_interval_is_clipped_to_the_overlap_and_says_so():
    anchor = Curve([0.2, 0.5, 1.0, 2.0], [28, 32, 36, 40])
    test = Curve([0.25, 0.5], [32, 36])
    found = bd_rate(anchor, test)
    assert (found.low, found.high, found.clipped) == (32, 36, True)
    assert str(found).endswith(" % (only over 32.00–36.00 dB)")


@pytest.mark.parametrize(
    ("test", "message"),
    [
        (Curve([0.1, 0.2], [20, 25]), "No common range"),
        (Curve([0.1], [30]), "two points"),
        (Curve([0.1, 0.2], [30, float("inf")]), "finite"),
        (Curve([0.0, 0.2], [30, 31]), "above 0"),
        (Curve([0.1, 0.2], [30]), "as many"),
    ],
)
def test_impossible_curves_are_refused(test, message):
    with pytest.raises(ValueError, match=message):
        bd_rate(Curve([0.2, 2.0], [28, 40]), test)


def test_ms_ssim_in_db():
    assert ms_ssim_db(0.99) == pytest.approx(20)
    assert ms_ssim_db(1.0) == float("inf")
    assert anchor_curve(load_anchors()["elic2022_paper"], "ms_ssim") is None
