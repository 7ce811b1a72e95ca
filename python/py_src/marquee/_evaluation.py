"""How good predictions are, beside baselines on the same posters."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric of the model and of the baselines."""

    name: str
    model: float
    frequencies: float
    """The same for predicting each genre's frequency in the training data."""
    most_frequent: float
    """The same for always deciding for the two most frequent genres."""
    higher_is_better: bool
    has_baseline: bool
    """Whether a comparison with the baselines is meaningful."""


@dataclass(frozen=True, slots=True)
class GenreMetrics:
    """The metrics of one genre."""

    genre: str
    positives: int
    """Posters that have it."""
    predicted: int
    """Posters for which it is predicted."""
    average_precision: float
    auroc: float
    precision: float
    recall: float
    f1: float
    threshold: float
    """Probability from which on it is predicted."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Metrics beside baselines. `print` shows them as `trainer evaluate` does."""

    posters: int
    metrics: dict[str, Metric]
    """By name, in the order in which they are shown."""
    genres: dict[str, GenreMetrics]
    """By name, in the model's order."""
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text
