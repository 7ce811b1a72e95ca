"""A genre that a model predicts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Prediction:
    """A genre and its probability."""

    genre: str
    probability: float
    """0 to 1. A poster may have several genres, so these do not add up to 1."""
    likely: bool
    """Whether the probability reaches the genre's threshold."""
