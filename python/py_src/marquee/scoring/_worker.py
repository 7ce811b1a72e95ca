"""A worker: classifies parts on one core, and writes their answers."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from .. import _arrow
from .._model import Model, load
from . import _reader
from ._fetch import again
from ._plan import Part
from ._reader import Batch
from ._storage import JobError, Storage, part_name


@dataclass(frozen=True)
class Job:
    """What a worker needs to know. Sent to each worker."""

    input: str
    output: str
    columns: tuple[str, str]
    model: str | None
    top: int


class Worker:
    """Classifies parts. Ray Data makes one a core, and passes it the parts one by one."""

    def __init__(self, job: Job) -> None:
        pa.set_cpu_count(1)
        self.job = job
        self.storage = Storage(job.output)
        self.model = load(job.model)

    def __call__(self, rows: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for text in rows["part"]:
            part = Part.from_json(str(text))
            result = self.score(part)
            yield {name: [value] for name, value in {"part": part.number, **result}.items()}

    def score(self, part: Part) -> dict[str, Any]:
        """Writes the file of a part, unless it is there. Returns its rows, errors and seconds, and the worker's peak
        memory in MB."""
        started = time.monotonic()
        path = self.storage.join(part_name(part.number))
        if self.storage.fs.exists(path):
            errors = 0
        else:
            try:
                table = again(lambda: self.answers(part))
            except (OSError, pa.ArrowInvalid) as error:
                raise JobError(f"{part.file or self.job.input}: {error}") from error
            errors = table.num_rows - table["error"].null_count
            sink = pa.BufferOutputStream()
            pq.write_table(table, sink, compression="zstd")
            again(lambda: self.storage.write_whole(path, sink.getvalue().to_pybytes()))
        seconds = time.monotonic() - started
        return {"rows": part.rows, "errors": errors, "seconds": seconds, "memory": peak_memory()}

    def answers(self, part: Part) -> pa.Table:
        """Classifies the posters of a part.

        Raises:
            JobError: if the Parquet file has fewer rows than when the job began.
            OSError, ArrowInvalid: if it is damaged, or cannot be read at the moment.
        """
        batches = _reader.batches(self.job.input, part, self.job.columns)
        table = pa.Table.from_batches([self.classify(batch) for batch in batches])
        if table.num_rows != part.rows:
            raise JobError(f"{part.file} has {table.num_rows} rows where it had {part.rows}: it has changed")
        return table

    def classify(self, batch: Batch) -> pa.RecordBatch:
        """Returns the columns `id`, `probabilities`, `top_genres` and `error` of some posters."""
        if isinstance(batch.posters, list):
            posters = [poster if isinstance(poster, bytes) else None for poster in batch.posters]
            probabilities = self.model.classify_batch(posters, threads=1)
            errors = dict(probabilities.errors)
            unread = {i: error for i, error in enumerate(batch.posters) if isinstance(error, Exception)}
            answers = _arrow.record_batch(self.model, np.asarray(probabilities), errors | unread)
        else:
            answers = self.model.classify_batch(batch.posters, threads=1)
        probabilities_field, error_field = _arrow.fields(self.model)
        fields = [
            pa.field("id", batch.ids.type),
            probabilities_field,
            pa.field("top_genres", pa.list_(pa.string())),
            error_field,
        ]
        top = top_genres(self.model, answers.column("probabilities"), self.job.top)
        columns = [batch.ids, answers.column("probabilities"), top, answers.column("error")]
        metadata = {"marquee": json.dumps({"model": self.model.id, "genres": self.model.genres})}
        return pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields, metadata))


def top_genres(model: Model, probabilities: pa.Array[Any], top: int) -> pa.Array[Any]:
    """Returns the names of each poster's `top` most probable genres, the best first; null without probabilities."""
    top = min(top, len(model.genres))
    failed = probabilities.is_null().to_numpy(zero_copy_only=False)
    values = np.frombuffer(probabilities.values.buffers()[1], np.float32).reshape(-1, len(model.genres))
    order = np.argsort(-values, axis=1, kind="stable")[~failed, :top]
    names = pa.array(model.genres).take(pa.array(order.ravel()))
    counts = np.where(failed, 0, top)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int32())
    mask = pa.array(failed) if failed.any() else None
    return pa.ListArray.from_arrays(offsets, names, mask=mask)


def peak_memory() -> float:
    """Returns the peak of this process's memory so far, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
