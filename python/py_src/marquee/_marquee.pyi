"""The native module, written in Rust."""

from collections.abc import Sequence
from typing import Any, final

import numpy as np

__all__ = ["BundleError", "Error", "ImageError", "NativeModel", "Rgba"]

_Array = np.ndarray[Any, Any]

class Error(Exception):
    """Anything that Marquee cannot do."""

    kind: str
    """The name of the error, the same in every version and in JavaScript."""

class ImageError(Error):
    """A poster that cannot be classified."""

class BundleError(Error):
    """A model that cannot be loaded."""

@final
class Rgba:
    def __new__(cls, pixels: bytes, width: int, height: int) -> Rgba: ...

_Axis = tuple[int, float, float]

@final
class NativeModel:
    def __new__(cls, path: str | None) -> NativeModel: ...
    def manifest(self) -> str: ...
    def weights_sha256(self) -> str: ...
    def classify(self, poster: str | bytes | Rgba) -> list[float]: ...
    def classify_batch(
        self, posters: Sequence[str | bytes | Rgba | None], threads: int, out: _Array
    ) -> list[tuple[int, Exception]]: ...
    def classify_spans(
        self, values: _Array, bounds: _Array, threads: int, out: _Array
    ) -> list[tuple[int, Exception]]: ...
    def explain(self, poster: str | bytes | Rgba) -> tuple[list[_Axis], list[tuple[float, list[float]]]]: ...
    def evaluate(self, labels: list[list[bool | None]], probabilities: list[list[float]]) -> dict[str, Any]: ...
