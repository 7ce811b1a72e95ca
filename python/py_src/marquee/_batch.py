"""The probabilities of many posters."""

from __future__ import annotations

from typing import Any

import numpy as np


class Probabilities(np.ndarray[Any, np.dtype[np.float32]]):
    """Probabilities `[posters, genres]`, float32: an ordinary NumPy array, with the errors of its posters.

    The row of a poster that cannot be classified is NaN. A slice or a copy has no errors.
    """

    errors: dict[int, Exception]
    """The exception of each poster that cannot be classified, by its index: `ImageError`, or `OSError` for a file
    that cannot be read."""

    def __array_finalize__(self, source: object) -> None:
        self.errors = {}

    @classmethod
    def _empty(cls, posters: int, genres: int) -> Probabilities:
        return np.empty((posters, genres), np.float32).view(cls)
