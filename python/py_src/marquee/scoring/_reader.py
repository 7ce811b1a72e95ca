"""The posters of a part, batch by batch, so that a worker's memory does not depend on the size of its part."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from . import _inputs
from ._fetch import fetch
from ._plan import Part
from ._storage import open_url

# Posters that are read, and classified, at once.
BATCH = 64

# Bytes of a column that are read at once.
BUFFER = 1 << 20

T = TypeVar("T")


class Batch(NamedTuple):
    """Ids and posters: an Arrow array of image files, or the bytes of each file or why there are none."""

    ids: pa.Array[Any]
    posters: pa.Array[Any] | list[bytes | Exception | None]


def batches(url: str, part: Part, columns: tuple[str, str]) -> Iterator[Batch]:
    """Reads the posters of a part. While one batch is classified, the next is read."""
    source = _parquet_batches(url, part, columns) if part.file else _image_batches(url, part)
    return _ahead(source)


def _parquet_batches(url: str, part: Part, columns: tuple[str, str]) -> Iterator[Batch]:
    fs, _ = open_url(url)
    skip, rows = part.skip, part.rows
    with fs.open(part.file, "rb") as file:
        parquet = pq.ParquetFile(file, buffer_size=BUFFER)
        # A column may be named twice: once as the id and once as the address.
        names = list(dict.fromkeys(columns))
        for batch in parquet.iter_batches(BATCH, row_groups=part.groups, columns=names, use_threads=False):
            passed = min(skip, len(batch))
            skip -= passed
            batch = batch.slice(passed, rows)
            rows -= len(batch)
            if len(batch):
                yield _read(batch, columns)
            if rows == 0:
                return


def _read(batch: pa.RecordBatch, columns: tuple[str, str]) -> Batch:
    ids = batch.column(columns[0])
    posters = _inputs.posters(batch.column(columns[1]))
    if _inputs.is_text(posters.type):
        return Batch(ids, fetch(posters.to_pylist()))
    return Batch(ids, posters)


def _image_batches(url: str, part: Part) -> Iterator[Batch]:
    fs, folder = open_url(url)
    for first in range(0, len(part.images), BATCH):
        paths = part.images[first : first + BATCH]
        # The id of an image is its path below the input.
        ids = [path.removeprefix(f"{folder}/") for path in paths]
        yield Batch(pa.array(ids, pa.string()), fetch([fs.unstrip_protocol(path) for path in paths]))


def _ahead(items: Iterator[T]) -> Iterator[T]:
    """Asks for the next item in another thread while the caller has the last one."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(next, items, end)
        while (item := waiting.result()) is not end:
            waiting = pool.submit(next, items, end)
            yield item  # type: ignore[misc]
