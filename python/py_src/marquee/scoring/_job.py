"""A job: the input divided into parts, which Ray Data hands to its workers."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from .._model import load
from . import _inputs, _plan
from ._lock import lock
from ._plan import Part, Settings
from ._progress import Progress
from ._storage import JobError, Storage
from ._worker import Job, Worker

# Bytes of Ray's shared memory on this machine. Only the parts' descriptions go through it.
OBJECT_STORE = 128 << 20

# Ray Data handles so many blocks at once without effort; of a larger job, a block has several parts.
MOST_BLOCKS = 20_000


@dataclass(frozen=True)
class Summary:
    """What a job did."""

    posters: int
    """Posters in the output."""
    earlier: int
    """Those among them that earlier runs classified."""
    errors: int
    """Posters of this run that could not be classified."""
    seconds: float
    """Duration of this run, without starting Ray."""
    workers: int
    memory: float
    """Peak memory of a worker in MB, with Python and Ray."""


def score(
    input: str,
    output: str,
    *,
    id: str = "id",
    image: str = "image",
    model: str | None = None,
    top: int = 3,
    workers: int | None = None,
    address: str | None = None,
    rows_per_part: int | None = None,
) -> Summary:
    """Classifies all posters of `input` that are not in `output` yet.

    Args:
        input: a Parquet file or a folder of them, or a folder of images, on a disk or in a bucket.
        output: a folder for Parquet files with the columns id, probabilities, top_genres and error.
        id: the input's column of ids. The id of an image is its path below `input`.
        image: the input's column of posters: the bytes of image files, or their addresses.
        model: a bundle's folder or file; by default the model in this package.
        top: number of genres in `top_genres`.
        workers: number of workers, a core each; by default all cores.
        address: a Ray cluster's address; by default, Ray starts on this machine.
        rows_per_part: posters in a file of the output.

    Raises:
        JobError: if the job cannot start, or cannot go on. What is done stays done.
    """
    for name, value in ("top", top), ("workers", workers), ("rows_per_part", rows_per_part):
        if value is not None and value < 1:
            raise JobError(f"{name} is {value}; it must be at least 1")
    storage = Storage(output)
    source = _inputs.find(input, storage)
    job = Job(source.url, output if "://" in output else os.path.abspath(output), (id, image), model, top)
    settings = Settings(source.url, source.kind, (id, image), load(model).id, top)
    storage.prepare()
    with lock(storage):
        storage.remove_leftovers()
        parts = _plan.plan(storage, source, settings, rows_per_part)
        there = storage.parts()
        summary = _run(job, parts, [part for part in parts if part.number not in there], address, workers)
        missing = len(parts) - len(storage.parts())
        if missing:
            raise JobError(
                f"{missing} parts are not in {output}, as this machine sees it: on a cluster, OUTPUT is a bucket or a "
                "folder that all machines share"
            )
    return summary


def _run(job: Job, parts: list[Part], todo: list[Part], address: str | None, workers: int | None) -> Summary:
    """Hands out the parts that are to be done, and waits for them."""
    total = sum(part.rows for part in parts)
    earlier = total - sum(part.rows for part in todo)
    if not todo:
        return Summary(total, earlier, errors=0, seconds=0.0, workers=0, memory=0.0)
    with _ray(address, workers) as cores:
        progress = Progress(total, earlier)
        started, memory = time.monotonic(), 0.0
        try:
            for rows, errors, peak in _results(job, todo, cores):
                progress.add(rows, errors)
                memory = max(memory, peak)
        finally:
            progress.close()
    return Summary(total, earlier, progress.errors, time.monotonic() - started, cores, memory)


def _results(job: Job, parts: list[Part], workers: int) -> Iterator[tuple[int, int, float]]:
    """Iterates over the parts as they are done: rows, errors, and the worker's peak memory."""
    import ray

    # A worker that dies is replaced and its part repeated, on another machine if need be. It gets one part at a time,
    # so that the others are not held up.
    items = [{"part": part.to_json()} for part in parts]
    dataset = ray.data.from_items(items, override_num_blocks=min(len(items), MOST_BLOCKS)).map_batches(
        Worker,
        fn_constructor_args=(job,),
        batch_size=1,
        num_cpus=1,
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(items)), max_tasks_in_flight_per_actor=1),
    )
    reason = None
    try:
        for batch in dataset.iter_batches(batch_size=None, prefetch_batches=0):
            for rows, errors, memory in zip(batch["rows"], batch["errors"], batch["memory"], strict=True):
                yield int(rows), int(errors), float(memory)
    except ray.exceptions.RayError as error:
        reason = _reason(error)
    # An exception that led to the workers, by its cause or its traceback, would keep them, and with them their cores.
    del dataset
    if reason:
        raise reason


def _reason(error: BaseException) -> JobError:
    """Returns what a worker raised, without Ray's layers around it."""
    cause: BaseException | None = error
    while cause is not None:
        inner = getattr(cause, "cause", None) or cause.__cause__
        if not isinstance(inner, BaseException):
            break
        cause = inner
    return JobError(f"a worker failed: {cause}; what is done stays done: run the same command to go on")


@contextmanager
def _ray(address: str | None, workers: int | None) -> Iterator[int]:
    """Starts Ray on this machine, or connects to a cluster. Yields the number of workers."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise JobError(f"this needs Ray Data: pip install marquee-posters[score] ({error})") from error

    already = ray.is_initialized()
    if not already:
        # Ray's C++ code warns about its own arguments.
        os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address is None:
            options |= {"num_cpus": workers, "include_dashboard": False, "object_store_memory": OBJECT_STORE}
        ray.init(address or "local", **options)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
    finally:
        if not already:
            ray.shutdown()
