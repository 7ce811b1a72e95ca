"""Models from files."""

import json
import shutil

import marquee
import pytest
from conftest import ROOT


@pytest.fixture
def bundle(tmp_path):
    """A copy of the shipped bundle's folder."""
    return shutil.copytree(ROOT / "www/model", tmp_path / "model")


def test_the_shipped_model_is_that_of_the_page(model, samples):
    loaded = marquee.load(ROOT / "www/model")
    assert loaded.id == model.id
    assert loaded.manifest == model.manifest
    assert loaded.classify(samples[0]) == model.classify(samples[0])


def test_reads_a_bundle_in_one_file_of_an_older_version(samples):
    loaded = marquee.load(str(ROOT / "tests/fixtures/v0.1/single-file.safetensors"))
    assert len(loaded.classify(samples[0])) == len(loaded.genres)


def test_a_newer_bundle_says_to_update(bundle):
    path = bundle / "model.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps({**manifest, "format_version": 99, "news": True}))
    with pytest.raises(marquee.BundleError, match=r"format version 99.*update Marquee") as caught:
        marquee.load(bundle)
    assert caught.value.kind == "FormatVersion"


def test_damaged_weights_are_refused(bundle):
    weights = next(bundle.glob("*.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(marquee.BundleError, match="SHA-256") as caught:
        marquee.load(bundle)
    assert caught.value.kind == "WeightsHash"


def test_what_is_no_bundle_is_refused(samples, tmp_path):
    with pytest.raises(marquee.BundleError, match="not a Marquee model"):
        marquee.load(samples[0])
    with pytest.raises(FileNotFoundError, match=r"model\.json"):
        marquee.load(tmp_path)
