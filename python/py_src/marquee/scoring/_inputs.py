"""What is to be classified: Parquet files, or a folder or bucket of images."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ._storage import JobError, Storage, open_url

IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".gif")

# Footers that are read at once.
READERS = 16


@dataclass(frozen=True)
class ParquetFile:
    """A Parquet file of the input."""

    path: str
    size: int
    groups: list[int]
    """Rows of each row group."""


@dataclass(frozen=True)
class Input:
    """The files of an input, sorted by path: either `parquet` or `images` has some."""

    url: str
    parquet: list[str]
    images: list[str]

    @property
    def kind(self) -> str:
        return "parquet" if self.parquet else "images"


def find(url: str, output: Storage) -> Input:
    """Lists the files of an input.

    Raises:
        JobError: if there are none, or some of both kinds.
    """
    fs, path = open_url(url)
    if not fs.exists(path):
        raise JobError(f"{url}: there is no such file or folder")
    if type(fs) is type(output.fs) and f"{output.path}/".startswith(f"{path}/"):
        raise JobError(f"OUTPUT {output.url} lies inside INPUT {url}: its files would be read as input")
    files = [path] if fs.isfile(path) else [file for file in fs.find(path) if _is_visible(file, path)]
    parquet = sorted(file for file in files if file.lower().endswith(".parquet"))
    images = sorted(file for file in files if file.lower().endswith(IMAGES))
    if parquet and images:
        raise JobError(
            f"{url} has Parquet files ({parquet[0]}) and images ({images[0]}); name a folder with one kind of them"
        )
    if not parquet and not images:
        raise JobError(f"{url} has neither Parquet files (.parquet) nor images ({', '.join(IMAGES)})")
    return Input(fs.unstrip_protocol(path), parquet, images)


def _is_visible(file: str, folder: str) -> bool:
    """Whether no name below the folder begins with an underscore or a dot, as in other readers of Parquet."""
    names = file[len(folder) :].strip("/").split("/")
    return not any(name.startswith(("_", ".")) for name in names)


def read_footers(source: Input, paths: list[str], columns: tuple[str, str]) -> list[ParquetFile]:
    """Reads the footers of Parquet files and checks that the columns are there.

    Raises:
        JobError: if a file is not a Parquet file or lacks a column.
    """
    fs, _ = open_url(source.url)

    def read(path: str) -> ParquetFile:
        try:
            with fs.open(path, "rb") as file:
                metadata = pq.read_metadata(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise JobError(f"{path}: {error}") from error
        check_columns(path, metadata.schema.to_arrow_schema(), columns)
        rows = [metadata.row_group(index).num_rows for index in range(metadata.num_row_groups)]
        return ParquetFile(path, fs.size(path), rows)

    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(read, paths))


def sizes(source: Input, paths: list[str]) -> list[int]:
    """Returns the lengths of files in bytes."""
    fs, _ = open_url(source.url)
    with ThreadPoolExecutor(READERS) as pool:
        return list(pool.map(fs.size, paths))


def check_columns(path: str, schema: pa.Schema, columns: tuple[str, str]) -> None:
    """Checks that a file has the columns of ids and of posters.

    Raises:
        JobError: names the column and those that are there.
    """
    for option, name in zip(("--id", "--image"), columns, strict=False):
        if name not in schema.names:
            there = ", ".join(f"{field.name} ({field.type})" for field in schema)
            raise JobError(f"{path} has no column {name!r}; it has {there}. Name another with {option}")
    kind = schema.field(columns[1]).type
    if not (is_bytes(kind) or is_text(kind) or _has_bytes(kind)):
        raise JobError(
            f"{path}: the column {columns[1]!r} has the type {kind}; posters are the bytes of image files (binary) or "
            "their addresses (string)"
        )


def posters(column: pa.Array[Any]) -> pa.Array[Any]:
    """Returns a column's posters: bytes, or addresses as strings. Of a struct, as Hugging Face's datasets have, its
    field `bytes`."""
    return column.field("bytes") if _has_bytes(column.type) else column


def is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind))


def is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _has_bytes(kind: pa.DataType) -> bool:
    return pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0 and is_bytes(kind.field("bytes").type)
