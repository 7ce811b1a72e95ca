"""Posters in Arrow arrays, whose buffers are read in place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from ._model import Model


class ArrowArray(Protocol):
    """An array with Arrow's PyCapsule interface, such as `pyarrow.Array`."""

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]: ...


class ArrowStream(Protocol):
    """A chunked array with Arrow's PyCapsule interface, such as `pyarrow.ChunkedArray` or a Polars series."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object: ...


def classify(model: Model, posters: Any, threads: int) -> pa.RecordBatch:
    """Classifies an Arrow array of image files. See `Model.classify_batch`."""
    chunks = _chunks(posters)
    probabilities = np.empty((sum(map(len, chunks)), len(model.genres)), np.float32)
    errors: dict[int, Exception] = {}
    first = 0
    for chunk in chunks:
        out = probabilities[first : first + len(chunk)]
        for index, error in _classify_chunk(model, chunk, threads, out):
            errors[first + index] = error
        first += len(chunk)
    return record_batch(model, probabilities, errors)


def record_batch(model: Model, probabilities: np.ndarray[Any, Any], errors: dict[int, Exception]) -> pa.RecordBatch:
    """Returns the columns `probabilities` and `error`; both are null where there is nothing to say."""
    count, genres = probabilities.shape
    failed = np.zeros(count, bool)
    failed[list(errors)] = True
    messages: list[str | None] = [None] * count
    for index, error in errors.items():
        messages[index] = str(error)
    values = pa.Array.from_buffers(pa.float32(), count * genres, [None, pa.py_buffer(probabilities)])
    mask = pa.array(failed) if errors else None
    arrays = [
        pa.FixedSizeListArray.from_arrays(values, genres, mask=mask),
        pa.array(messages, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields(model)))


def fields(model: Model) -> list[pa.Field[Any]]:
    """Returns the columns of the answers. The metadata of `probabilities` names the genres, in their order."""
    metadata = {"genres": json.dumps(model.genres), "model": model.id}
    probabilities = pa.list_(pa.float32(), len(model.genres))
    return [pa.field("probabilities", probabilities, metadata=metadata), pa.field("error", pa.string())]


def _chunks(posters: Any) -> list[pa.Array[Any]]:
    """Returns the chunks of a pyarrow array, or of anything with Arrow's PyCapsule interface."""
    if isinstance(posters, pa.Array):
        chunks = [posters]
    elif isinstance(posters, pa.ChunkedArray):
        chunks = posters.chunks
    elif hasattr(posters, "__arrow_c_array__"):
        chunks = [pa.array(posters)]
    else:
        chunks = pa.chunked_array(posters).chunks
    return [_binary(chunk) for chunk in chunks]


def _binary(chunk: pa.Array[Any]) -> pa.Array[Any]:
    if pa.types.is_binary(chunk.type) or pa.types.is_large_binary(chunk.type):
        return chunk
    if pa.types.is_binary_view(chunk.type) or pa.types.is_fixed_size_binary(chunk.type):
        return chunk.cast(pa.large_binary())
    raise TypeError(f"posters in Arrow are arrays of binary values (image files), not of {chunk.type}")


def _classify_chunk(
    model: Model, chunk: pa.Array[Any], threads: int, out: np.ndarray[Any, Any]
) -> list[tuple[int, Exception]]:
    _, offsets, values = chunk.buffers()
    if len(chunk) == 0:
        return []
    width = np.int64 if pa.types.is_large_binary(chunk.type) else np.int32
    all_offsets = np.frombuffer(offsets, width)[chunk.offset : chunk.offset + len(chunk) + 1]
    bounds = np.stack([all_offsets[:-1], all_offsets[1:]], axis=1).astype(np.int64)
    if chunk.null_count:
        bounds[chunk.is_null().to_numpy(zero_copy_only=False)] = -1
    data = np.frombuffer(values, np.uint8) if values else np.empty(0, np.uint8)
    return model._native.classify_spans(data, bounds.reshape(-1), threads, out)
