"""How good predictions are, beside baselines on the same posters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the model and of the baselines."""

    name: str
    model: float
    baselines: dict[str, float]
    """The same metric of predictions that do not look at the posters: "frequencies", each genre's frequency in the
    training data; "top two", always the two most frequent genres; "best F1", always the genres that promise the highest
    F1; "every", always every genre."""
    higher_is_better: bool
    has_baseline: bool
    """Whether a comparison with the baselines is meaningful."""

    @property
    def is_worse(self) -> bool:
        """Whether the model is worse than the best baseline; false if the comparison is not meaningful."""
        values = self.baselines.values()
        worse = self.model < max(values) if self.higher_is_better else self.model > min(values)
        return self.has_baseline and worse


@dataclass(frozen=True, slots=True)
class GenreMetrics:
    """The metrics of one genre."""

    genre: str
    labels: int
    """Posters whose label is known. All other numbers are about these."""
    positives: int
    """Posters that have it."""
    predicted: int
    """Posters for which it is predicted."""
    average_precision: float
    auroc: float
    precision: float
    recall: float
    f1: float
    calibration_error: float
    """Expected calibration error (ECE)."""
    threshold: float
    """Probability from which on it is predicted."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics beside baselines. `print` shows them as tables, like `trainer evaluate`."""

    posters: int
    metrics: dict[str, Metric]
    """By name, in the order in which they are shown."""
    genres: dict[str, GenreMetrics]
    """By name, in the model's order."""
    top_two: list[str]
    """The two most frequent genres in the training data."""
    best_f1: list[str]
    """The genres that, always predicted, promise the highest F1 over all predictions."""
    ranked_genres: list[str]
    """The genres with enough positives to count in the mean average precision and the mean AUROC."""

    def __str__(self) -> str:
        return "\n".join([*self._metric_lines(), "", *self._genre_lines()])

    def _metric_lines(self) -> list[str]:
        columns = list(next(iter(self.metrics.values())).baselines)
        head = "".join(f"{name:>13}" for name in ["model", *columns])
        lines = [f"{self.posters} posters", f"{'':36}{head}"]
        for metric in self.metrics.values():
            values = "".join(f"{value:13.4f}" for value in [metric.model, *metric.baselines.values()])
            lines.append(f"{metric.name:36}{values}")
        lines += [
            "",
            "Baselines, which never look at a poster: each genre's frequency in the training data; always the two most",
            f"frequent genres ({', '.join(self.top_two)}); always the genres that promise the highest F1 over all",
            f"predictions ({', '.join(self.best_f1)}); always every genre.",
            "Lower is better for binary cross-entropy and calibration error, higher for all other metrics.",
            f"Mean average precision and AUROC are of {', '.join(self.ranked_genres) or 'no genre'}.",
        ]
        worse = [metric.name for metric in self.metrics.values() if metric.is_worse]
        return [*lines, f"Worse than a baseline: {'; '.join(worse)}."] if worse else lines

    def _genre_lines(self) -> list[str]:
        names = "positives", "predicted", "avg prec", "AUROC", "precision", "recall", "F1", "ECE", "threshold"
        lines = [f"{'genre':14}" + "".join(f"{name:>10}" for name in names)]
        for genre in self.genres.values():
            values = genre.average_precision, genre.auroc, genre.precision, genre.recall, genre.f1
            numbers = "".join(f"{value:10.4f}" for value in (*values, genre.calibration_error, genre.threshold))
            lines.append(f"{genre.genre:14}{genre.positives:10}{genre.predicted:10}{numbers}")
        return lines
