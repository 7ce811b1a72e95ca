"""Metrics beside baselines."""

import numpy as np
import pytest


@pytest.fixture
def labelled(model):
    random = np.random.default_rng(1)
    labels = random.random((200, len(model.genres))) < 0.2
    probabilities = np.clip(labels * 0.5 + random.random(labels.shape) * 0.5, 0, 1).astype(np.float32)
    return labels, probabilities


def test_metrics_follow_their_definitions(model, labelled):
    labels, probabilities = labelled
    evaluation = model.evaluate(labels, probabilities)
    assert evaluation.posters == 200
    p = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    entropy = -np.where(labels, np.log(p), np.log(1 - p)).mean()
    assert evaluation.metrics["binary cross-entropy"].model == pytest.approx(entropy, abs=1e-6)
    hits = labels[np.arange(200), probabilities.argmax(axis=1)].mean()
    assert evaluation.metrics["top-1 hit"].model == pytest.approx(hits)
    drama = evaluation.genres["Drama"]
    column = model.genres.index("Drama")
    assert drama.positives == labels[:, column].sum()
    assert drama.predicted == (probabilities[:, column] >= model.thresholds[column]).sum()


def test_a_perfect_prediction_beats_the_baselines(model, labelled):
    labels, _ = labelled
    evaluation = model.evaluate(labels.astype(int), labels.astype(np.float32))
    for name in "micro F1", "macro F1", "top-3 hit", "exact match":
        metric = evaluation.metrics[name]
        assert metric.higher_is_better
        assert metric.model > max(metric.baselines.values())
        assert not metric.is_worse


def test_always_two_genres_is_a_baseline(model, labelled):
    labels, probabilities = labelled
    evaluation = model.evaluate(labels, probabilities)
    assert evaluation.top_two == ["Drama", "Comedy"]
    always = np.zeros(labels.shape, bool)
    always[:, [model.genres.index(genre) for genre in evaluation.top_two]] = True
    hits = (always & labels).sum()
    f1 = 2 * hits / (always.sum() + labels.sum())
    assert evaluation.metrics["micro F1"].baselines["top two"] == pytest.approx(f1)
    wrong = model.evaluate(labels, (~labels).astype(np.float32)).metrics["micro F1"]
    assert wrong.is_worse


def test_prints_tables_like_the_trainer(model, labelled):
    evaluation = model.evaluate(*labelled)
    lines = str(evaluation).splitlines()
    assert lines[0] == "200 posters"
    assert lines[1].split() == ["model", "frequencies", "top", "two", "best", "F1", "every"]
    entropy = evaluation.metrics["binary cross-entropy"]
    assert lines[2].split()[2:] == [f"{v:.4f}" for v in (entropy.model, *entropy.baselines.values())]
    assert len(lines[1]) == len(lines[2])
    assert [line.split()[0] for line in lines[-len(model.genres) :]] == list(model.genres)


def test_unknown_labels_count_in_no_metric(model, labelled):
    labels, probabilities = labelled
    unknown = labels.astype(object)
    unknown[:50, 0] = None
    evaluation = model.evaluate(unknown, probabilities)
    genre = evaluation.genres[model.genres[0]]
    assert genre.labels == 150
    assert genre.positives == labels[50:, 0].sum()
    nan = np.where(unknown == None, np.nan, labels)  # noqa: E711 (element by element)
    assert str(model.evaluate(nan, probabilities)) == str(evaluation)


def test_says_which_input_is_wrong(model, labelled):
    labels, probabilities = labelled
    with pytest.raises(ValueError, match=r"labels has the shape \[200, 3\]"):
        model.evaluate(labels[:, :3], probabilities)
    with pytest.raises(ValueError, match="labels of 199 posters, but probabilities of 200"):
        model.evaluate(labels[1:], probabilities)
    with pytest.raises(ValueError, match="0 or 1"):
        model.evaluate(labels * 2, probabilities)
    probabilities[7] = np.nan
    with pytest.raises(ValueError, match="row 7"):
        model.evaluate(labels, probabilities)
    with pytest.raises(ValueError, match="shape"):
        model.evaluate(labels[:0], probabilities[:0])
