"""A model that predicts the genres of posters."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from . import _posters
from ._batch import Probabilities
from ._evaluation import Evaluation, GenreMetrics, Metric
from ._explanation import Axis, Explanation, Heatmap
from ._marquee import NativeModel
from ._prediction import Prediction

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import ArrayLike

    from ._arrow import ArrowArray, ArrowStream
    from ._posters import Poster


def load(path: str | os.PathLike[str] | None = None) -> Model:
    """Loads a model: a bundle's folder, a bundle in one `.safetensors` file, or by default the one in this package.

    Raises:
        BundleError: if it is not a bundle, is damaged, or was made for another version.
        OSError: if a file cannot be read.
    """
    return Model(path)


class Model:
    """A model that predicts the genres of posters. It may be used by several threads at once.

    A poster is a path, the bytes of an image file (JPEG, PNG, WebP or GIF), a PIL image, or a NumPy array of 8-bit
    pixels: `[height, width]`, `[height, width, 3]` or `[height, width, 4]`.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self._path = None if path is None else os.fspath(path)
        self._native = NativeModel(self._path)

    def __reduce__(self) -> tuple[Any, ...]:
        # In another process it is loaded again.
        return Model, (self._path,)

    def __repr__(self) -> str:
        return f"<marquee.Model {self.id}: {len(self.genres)} genres>"

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """Everything about the model except for its weights: its `model.json`."""
        manifest: dict[str, Any] = json.loads(self._native.manifest())
        return manifest

    @cached_property
    def genres(self) -> tuple[str, ...]:
        """The names of the genres, in the order of the probabilities."""
        return tuple(genre["name"] for genre in self.manifest["genres"])

    @cached_property
    def thresholds(self) -> np.ndarray[Any, np.dtype[np.float32]]:
        """The probability from which on each genre counts as likely, `[genres]`."""
        return np.array([genre["threshold"] for genre in self.manifest["genres"]], np.float32)

    @property
    def id(self) -> str:
        """The SHA-256 of the weights: models with the same id give the same answers."""
        return self._native.weights_sha256()

    def classify(self, poster: Poster, *, top: int | None = None) -> list[Prediction]:
        """Predicts the genres of a poster. Returns all of them, or the `top` most probable, the best first.

        Raises:
            ImageError: if the poster cannot be decoded. Its `kind` names the reason.
            OSError: if the file cannot be read.
        """
        return self._rank(self._native.classify(_posters.prepare(poster)))[:top]

    @overload
    def classify_batch(self, posters: Iterable[Poster | None], *, threads: int | None = None) -> Probabilities: ...

    @overload
    def classify_batch(self, posters: ArrowArray | ArrowStream, *, threads: int | None = None) -> pa.RecordBatch: ...

    def classify_batch(self, posters: Any, *, threads: int | None = None) -> Any:
        """Predicts the genres of many posters, by default on all cores. Other Python threads run meanwhile.

        Args:
            posters: posters of any kind, or an Arrow array of image files: a pyarrow array, or anything with
                Arrow's PyCapsule interface. Arrow's buffers are read in place, not copied.
            threads: number of threads; 1 uses the calling thread only.

        Returns:
            Probabilities `[posters, genres]`, float32. For an Arrow array, a `pyarrow.RecordBatch` with the columns
            `probabilities` and `error`.

            A poster that cannot be classified does not end the batch: its row is NaN, and `errors` has its exception
            by index. In a record batch, its `probabilities` are null, and `error` says why.
        """
        count = _threads(threads)
        if hasattr(posters, "__arrow_c_array__") or hasattr(posters, "__arrow_c_stream__"):
            from . import _arrow

            return _arrow.classify(self, posters, count)
        if isinstance(posters, str | bytes):
            raise TypeError("classify_batch takes a list of posters; classify takes one")
        prepared: list[Any] = []
        refused: dict[int, Exception] = {}
        for index, poster in enumerate(posters):
            try:
                prepared.append(None if poster is None else _posters.prepare(poster))
            except Exception as error:  # PIL decodes only now, and raises many types
                refused[index] = error
                prepared.append(None)
        probabilities = Probabilities._empty(len(prepared), len(self.genres))
        errors = self._native.classify_batch(prepared, count, probabilities)
        probabilities.errors = {index: refused.get(index, error) for index, error in errors}
        return probabilities

    def rank(self, probabilities: ArrayLike, *, top: int | None = None) -> list[Prediction]:
        """Pairs a row of probabilities with the genres, the most probable first."""
        row = np.asarray(probabilities, np.float32)
        if row.shape != (len(self.genres),):
            raise ValueError(f"a row has {len(self.genres)} probabilities, not the shape {list(row.shape)}")
        return self._rank(row.tolist())[:top]

    @overload
    def explain(self, poster: Poster, genre: str) -> Heatmap: ...

    @overload
    def explain(self, poster: Poster) -> Explanation: ...

    def explain(self, poster: Poster, genre: str | None = None) -> Heatmap | Explanation:
        """Shows where in a poster the model sees a genre, or with `genre` left out, all of them.

        Raises:
            KeyError: if the model has no such genre.
            Error: if the architecture has no heatmaps (`kind` is "NoHeatmaps"), and those of `classify`.
        """
        if genre is not None and genre not in self.genres:
            raise KeyError(f"the model has no genre {genre!r}; it has {', '.join(self.genres)}")
        (x, y), maps = self._native.explain(_posters.prepare(poster))
        columns, rows = Axis(*x), Axis(*y)
        heatmaps: dict[str, Heatmap] = {}
        for name, (bias, cells) in zip(self.genres, maps, strict=False):
            values = np.array(cells, np.float32).reshape(rows.count, columns.count)
            heatmaps[name] = Heatmap(name, bias, values, columns, rows)
        if genre is not None:
            return heatmaps[genre]
        predictions = self._rank([heatmap.probability for heatmap in heatmaps.values()])
        return Explanation(predictions, heatmaps)

    def evaluate(self, labels: ArrayLike, probabilities: ArrayLike) -> Evaluation:
        """Computes every metric of some predictions, beside those of the baselines on the same posters.

        Args:
            labels: 0 or 1 for each poster and genre, `[posters, genres]`, the genres in the model's order. `None` or
                NaN is unknown, and counts in no metric.
            probabilities: those that `classify_batch` returned, `[posters, genres]`.

        Raises:
            ValueError: if the shapes differ, a label is neither 0 nor 1, or a probability is not in 0..1.
        """
        label_rows = np.asarray(labels, np.float32)
        rows = np.asarray(probabilities, np.float32)
        genres = len(self.genres)
        for name, array in ("labels", label_rows), ("probabilities", rows):
            if array.ndim != 2 or array.shape[1] != genres or len(array) == 0:
                raise ValueError(f"{name} has the shape {list(array.shape)}; it must be [posters, {genres}]")
        if len(label_rows) != len(rows):
            raise ValueError(f"there are labels of {len(label_rows)} posters, but probabilities of {len(rows)}")
        known = ~np.isnan(label_rows)
        if not np.isin(label_rows[known], (0, 1)).all():
            raise ValueError("labels must be 0 or 1, or None where they are unknown")
        wrong = np.flatnonzero(~((rows >= 0) & (rows <= 1)).all(axis=1))
        if len(wrong):
            raise ValueError(
                f"row {wrong[0]} of the probabilities is not in 0..1; leave out posters that were not classified "
                f"({len(wrong)} rows)"
            )
        known_labels = (label_rows == 1).astype(object)
        known_labels[~known] = None
        result = self._native.evaluate(known_labels.tolist(), rows.tolist())
        metrics = [Metric(name, value, dict(baselines), *kind) for name, value, baselines, *kind in result["metrics"]]
        by_genre = [GenreMetrics(name, *counts, *values) for name, counts, values in result["genres"]]
        return Evaluation(
            result["posters"],
            {metric.name: metric for metric in metrics},
            {genre.genre: genre for genre in by_genre},
            result["top_two"],
            result["best_f1"],
            result["ranked_genres"],
        )

    def _rank(self, probabilities: list[float]) -> list[Prediction]:
        likely = np.asarray(probabilities, np.float32) >= self.thresholds
        ranked = sorted(zip(self.genres, probabilities, likely.tolist(), strict=False), key=lambda row: -row[1])
        return [Prediction(*row) for row in ranked]


def _threads(threads: int | None) -> int:
    if threads is None:
        # The cores that this process may use, which can be fewer than the machine has.
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if threads < 1:
        raise ValueError(f"threads is {threads}; it must be at least 1")
    return threads
