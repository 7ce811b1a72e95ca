"""The division of an input into parts. It is saved beside the output, so that a job that goes on has the same parts."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from . import _inputs
from ._inputs import Input, ParquetFile
from ._storage import JobError, Storage

# A large row group is split into at most so many parts: each reads the group from its beginning.
MOST_SLICES = 16

SCHEMA = pa.schema(
    [
        pa.field("number", pa.int64()),
        pa.field("rows", pa.int64()),
        pa.field("file", pa.string()),
        pa.field("size", pa.int64()),
        pa.field("groups", pa.list_(pa.int64())),
        pa.field("skip", pa.int64()),
        pa.field("images", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Part:
    """Some rows of a Parquet file, or some images: what becomes one file of the output."""

    number: int
    rows: int
    file: str = ""
    """The Parquet file; empty for images."""
    size: int = 0
    """The Parquet file's length in bytes, by which a changed one is recognised."""
    groups: list[int] = field(default_factory=list)
    """Its row groups."""
    skip: int = 0
    """Rows at the beginning of these groups that belong to other parts."""
    images: list[str] = field(default_factory=list)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Part:
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Settings:
    """What must not change between the runs of a job."""

    input: str
    kind: str
    columns: tuple[str, str]
    """The columns of ids and of posters."""
    model: str
    """The id of the model."""
    top: int


def plan(storage: Storage, source: Input, settings: Settings, rows: int | None) -> list[Part]:
    """Returns the parts of an input: those of earlier runs, and new ones for files that came since. Saves them.

    Raises:
        JobError: if the output belongs to another job, or the input has changed.
    """
    _check_settings(storage, settings)
    parts = _load(storage)
    if settings.kind == "parquet":
        new = _new_parquet_parts(source, settings, parts, rows)
    else:
        known = {image for part in parts for image in part.images}
        new = _image_parts([image for image in source.images if image not in known], rows)
    if new:
        first = len(parts)
        parts += [Part(**{**asdict(part), "number": first + index}) for index, part in enumerate(new)]
        _save(storage, parts)
    unknown = storage.parts() - {part.number for part in parts}
    if unknown:
        raise JobError(f"{storage.url} has Parquet files of another program or job; choose another OUTPUT")
    return parts


def _check_settings(storage: Storage, settings: Settings) -> None:
    path = storage.private("job.json")
    saved = storage.read(path)
    if saved is None:
        if storage.parts():
            raise JobError(f"{storage.url} has Parquet files of another program; choose another OUTPUT")
        storage.write_whole(path, (json.dumps(asdict(settings), indent=1) + "\n").encode())
        return
    before = json.loads(saved)
    for name, value in json.loads(json.dumps(asdict(settings))).items():
        if before.get(name) != value:
            raise JobError(
                f"{storage.url} has the answers of another job: its {name} is {before.get(name)!r}, not {value!r}; "
                "choose another OUTPUT"
            )


def _new_parquet_parts(source: Input, settings: Settings, parts: list[Part], rows: int | None) -> list[Part]:
    sizes = {part.file: part.size for part in parts}
    new = [path for path in source.parquet if path not in sizes]
    known = [path for path in source.parquet if path in sizes]
    for path, size in zip(known, _inputs.sizes(source, known), strict=False):
        if size != sizes[path]:
            raise JobError(f"{path} has changed since this job began; choose another OUTPUT")
    files = _inputs.read_footers(source, new, settings.columns)
    rows = rows or _part_size(sum(sum(file.groups) for file in files))
    return [part for file in files for part in _parquet_parts(file, rows)]


def _parquet_parts(file: ParquetFile, rows: int) -> list[Part]:
    """Divides a file into parts of about `rows` rows."""
    parts: list[Part] = []
    groups: list[int] = []
    for index, count in enumerate(file.groups):
        if count >= 2 * rows:
            parts += _whole_groups(file, groups) + _slices(file, index, count, rows)
            groups = []
            continue
        groups.append(index)
        if sum(file.groups[group] for group in groups) >= rows:
            parts += _whole_groups(file, groups)
            groups = []
    return parts + _whole_groups(file, groups)


def _whole_groups(file: ParquetFile, groups: list[int]) -> list[Part]:
    rows = sum(file.groups[group] for group in groups)
    return [Part(0, rows, file.path, file.size, groups)] if rows else []


def _slices(file: ParquetFile, group: int, count: int, rows: int) -> list[Part]:
    rows = max(rows, -(-count // MOST_SLICES))
    return [Part(0, min(rows, count - skip), file.path, file.size, [group], skip) for skip in range(0, count, rows)]


def _image_parts(images: list[str], rows: int | None) -> list[Part]:
    rows = rows or _part_size(len(images))
    slices = (images[first : first + rows] for first in range(0, len(images), rows))
    return [Part(0, len(paths), images=paths) for paths in slices]


def _part_size(rows: int) -> int:
    """Returns the posters of a part. A large input has many parts, so that all workers end at about the same time, and
    large ones, so that the output has not too many files: 71 of 282 for 20,000 posters, 500 of 2,000 for a million,
    50,000 of 20,000 for a billion."""
    return min(max(2 * math.isqrt(rows), 100), 20_000)


def _load(storage: Storage) -> list[Part]:
    data = storage.read(storage.private("plan.parquet"))
    if data is None:
        return []
    return [Part(**row) for row in pq.read_table(pa.BufferReader(data)).to_pylist()]


def _save(storage: Storage, parts: list[Part]) -> None:
    table: Any = pa.Table.from_pylist([asdict(part) for part in parts], SCHEMA)
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    storage.write_whole(storage.private("plan.parquet"), sink.getvalue().to_pybytes())
