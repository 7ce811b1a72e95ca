"""Where in a poster the model sees a genre."""

import numpy as np
import pytest
from PIL import Image


def test_the_cells_add_up_to_the_probability(model, samples):
    explanation = model.explain(samples[0])
    assert list(explanation.heatmaps) == list(model.genres)
    for prediction in model.classify(samples[0]):
        heatmap = explanation.heatmaps[prediction.genre]
        assert heatmap.values.shape == (heatmap.y.count, heatmap.x.count)
        assert heatmap.probability == pytest.approx(prediction.probability, abs=1e-5)
    assert [p.genre for p in explanation.predictions] == [p.genre for p in model.classify(samples[0])]


def test_evidence_lies_where_the_poster_changes(model, samples):
    poster = np.asarray(Image.open(samples[1]).convert("RGB").resize((192, 288))).copy()
    before = model.explain(poster, "Comedy")
    poster[:110, :70] = 255 - poster[:110, :70]  # the top left corner
    changed = np.abs(model.explain(poster, "Comedy").values - before.values)
    rows, columns = changed.shape
    near, far = changed[: rows // 2, : columns // 2], changed[rows // 2 :, columns // 2 :]
    assert near.mean() > 2 * far.mean(), "the evidence changes in the quarter with the corner"
    row, column = np.unravel_index(changed.argmax(), changed.shape)
    left, top, right, bottom = before.place(row, column)
    assert 0 <= left < right <= 1
    assert 0 <= top < bottom <= 1
    assert left <= before.x.centres[column] <= right
    assert top <= before.y.centres[row] <= bottom


def test_one_genre_is_that_of_all(model, samples):
    one = model.explain(samples[1], "Horror")
    assert one.genre == "Horror"
    assert np.array_equal(one.values, model.explain(samples[1]).heatmaps["Horror"].values)


def test_names_the_genres_that_there_are(model, samples):
    with pytest.raises(KeyError, match="Comedy, Crime"):
        model.explain(samples[0], "Slapstick")
