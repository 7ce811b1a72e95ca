"""One poster, in every form that people have it."""

import io
import pickle
from pathlib import Path

import marquee
import numpy as np
import pytest
from PIL import Image


def probabilities(predictions: list[marquee.Prediction]) -> dict[str, float]:
    return {prediction.genre: prediction.probability for prediction in predictions}


def test_returns_typed_predictions_the_most_probable_first(model, samples):
    predictions = model.classify(samples[0], top=3)
    assert len(predictions) == 3
    assert predictions == model.classify(samples[0])[:3]
    values = [prediction.probability for prediction in model.classify(samples[0])]
    assert values == sorted(values, reverse=True)
    thresholds = dict(zip(model.genres, model.thresholds.tolist(), strict=True))
    for prediction in model.classify(samples[0]):
        assert prediction.likely == (prediction.probability >= thresholds[prediction.genre])


def test_all_forms_of_a_poster_have_the_same_answer(model, samples):
    path = next(path for path in samples if path.suffix == ".png")
    expected = probabilities(model.classify(path))
    data = path.read_bytes()
    image = Image.open(path)
    pixels = np.asarray(image.convert("RGBA"))
    for poster in (str(path), data, bytearray(data), memoryview(data), image, pixels, pixels[:, :, :3]):
        assert probabilities(model.classify(poster)) == expected, type(poster)


def test_grey_arrays_are_grey_pictures(model):
    grey = np.arange(120 * 80, dtype=np.uint8).reshape(120, 80)
    assert model.classify(grey) == model.classify(np.stack([grey] * 3, axis=2))


def test_transparent_pixels_are_white(model):
    clear = np.zeros((120, 80, 4), np.uint8)
    assert model.classify(clear) == model.classify(np.full((120, 80, 3), 255, np.uint8))


def test_pil_images_are_turned_upright_like_files(model, samples):
    image = Image.open(samples[0]).convert("RGB").resize((90, 120))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    file = io.BytesIO()
    image.save(file, "PNG", exif=exif)
    turned = model.classify(Image.open(io.BytesIO(file.getvalue())))
    assert turned == model.classify(file.getvalue())
    assert turned != model.classify(image)


def test_the_array_of_a_view_is_read_in_its_own_order(model, samples):
    pixels = np.asarray(Image.open(samples[0]).convert("RGB"))
    assert model.classify(pixels[:, ::-1]) == model.classify(np.ascontiguousarray(pixels[:, ::-1]))


@pytest.mark.parametrize(
    ("poster", "error", "words"),
    [
        (b"", marquee.ImageError, "empty"),
        (b"GIF89a", marquee.ImageError, "damaged"),
        (b"%PDF-1.7", marquee.ImageError, "not a supported image"),
        ("nowhere.jpg", FileNotFoundError, "nowhere.jpg"),
        (Path("/"), OSError, "/"),
        (np.zeros((4, 4), np.float32), ValueError, "uint8"),
        (np.zeros((4, 4, 2), np.uint8), ValueError, r"\[4, 4, 2\]"),
        (np.zeros((0, 4, 3), np.uint8), marquee.ImageError, "no pixels"),
        (Image.new("F", (4, 4)), ValueError, "mode F"),
        (7, TypeError, "not int"),
    ],
)
def test_says_what_is_wrong_with_a_poster(model, poster, error, words):
    with pytest.raises(error, match=words):
        model.classify(poster)


def test_errors_have_the_kinds_of_the_page(model):
    with pytest.raises(marquee.ImageError) as caught:
        model.classify(b"GIF89a")
    assert caught.value.kind == "DamagedImage"


def test_a_model_goes_to_another_process(model, samples):
    copy = pickle.loads(pickle.dumps(model))
    assert copy.id == model.id
    assert copy.classify(samples[0]) == model.classify(samples[0])
