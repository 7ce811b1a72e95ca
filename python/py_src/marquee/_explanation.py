"""Where in a poster a model sees a genre."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ._prediction import Prediction


@dataclass(frozen=True, slots=True)
class Axis:
    """The cells of a heatmap along one side of the poster, as fractions of the side."""

    count: int
    first: float
    """Centre of the first cell: 0 is the left or top edge of the poster, 1 the other."""
    step: float
    """Distance between the centres of neighbours."""

    @property
    def centres(self) -> np.ndarray[Any, np.dtype[np.float64]]:
        """The centre of each cell."""
        return self.first + self.step * np.arange(self.count, dtype=np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Heatmap:
    """The evidence for and against one genre, place by place.

    The head of the model is linear over its last feature map, so the cells are exact: the sigmoid of `bias` and the
    sum of `values` is the genre's probability.
    """

    genre: str
    bias: float
    """The genre's log-odds without any evidence from the poster."""
    values: np.ndarray[Any, np.dtype[np.float32]]
    """What each cell adds to the log-odds, `[rows, columns]`."""
    x: Axis
    """Where the columns lie, from the left edge of the poster."""
    y: Axis
    """Where the rows lie, from the top edge of the poster."""

    @property
    def probability(self) -> float:
        """The genre's probability."""
        return float(1 / (1 + np.exp(-(self.bias + self.values.sum(dtype=np.float64)))))

    def place(self, row: int, column: int) -> tuple[float, float, float, float]:
        """Returns the part of the poster that a cell stands for: left, top, right and bottom, as fractions of its
        width and height."""
        x, y = self.x.first + column * self.x.step, self.y.first + row * self.y.step
        half = self.x.step / 2, self.y.step / 2
        edges = x - half[0], y - half[1], x + half[0], y + half[1]
        left, top, right, bottom = (min(max(edge, 0.0), 1.0) for edge in edges)
        return left, top, right, bottom


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """A poster's genres, and a heatmap of each."""

    predictions: list[Prediction]
    """All genres, the most probable first."""
    heatmaps: dict[str, Heatmap]
    """The heatmap of each genre."""
