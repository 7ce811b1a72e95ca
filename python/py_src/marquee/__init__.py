"""Tells a film's genres from its poster.

>>> import marquee
>>> model = marquee.load()
>>> model.classify("poster.jpg", top=3)
[Prediction(genre='Horror', probability=0.71, likely=True), ...]

The answers are those of the Marquee page: the same code decodes the poster and runs the model on the CPU.
"""

from ._batch import Probabilities
from ._evaluation import Evaluation, GenreMetrics, Metric
from ._explanation import Axis, Explanation, Heatmap
from ._marquee import BundleError, Error, ImageError
from ._model import Model, load
from ._prediction import Prediction

__all__ = [
    "Axis",
    "BundleError",
    "Error",
    "Evaluation",
    "Explanation",
    "GenreMetrics",
    "Heatmap",
    "ImageError",
    "Metric",
    "Model",
    "Prediction",
    "Probabilities",
    "load",
]
