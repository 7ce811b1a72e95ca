"""The output folder, on a disk or in a bucket."""

from __future__ import annotations

import contextlib
import os
import re
import uuid
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem

from .._marquee import Error

PART = re.compile(r"part-(\d{6,})\.parquet")

# Readers of Parquet folders leave out names that begin with an underscore.
PRIVATE = "_marquee"


class JobError(Error):
    """A job that cannot start, or cannot go on."""

    kind = "Job"


def open_url(url: str) -> tuple[Any, str]:
    """Returns the file system of a path or an address, and the path in it.

    Raises:
        JobError: if nothing that is installed reads such addresses.
    """
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise JobError(f"{url}: {error}") from error
    return fs, path.rstrip("/") or path


def part_name(number: int) -> str:
    """Returns the name of a part's file."""
    return f"part-{number:06}.parquet"


class Storage:
    """A folder in which each file appears whole or not at all. May be sent to other processes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.fs, self.path = open_url(url)

    def __reduce__(self) -> tuple[Any, ...]:
        return Storage, (self.url,)

    @property
    def is_local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    def join(self, name: str) -> str:
        return f"{self.path}/{name}"

    def private(self, name: str) -> str:
        """Returns the path of one of Marquee's own files."""
        return self.join(f"{PRIVATE}/{name}")

    def prepare(self) -> None:
        """Creates the folder.

        Raises:
            JobError: if it is a file.
        """
        if self.fs.isfile(self.path):
            raise JobError(f"{self.url} is a file; OUTPUT is a folder")
        self.fs.makedirs(self.private("tmp"), exist_ok=True)

    def parts(self) -> set[int]:
        """Returns the numbers of the parts that are there."""
        self.fs.invalidate_cache(self.path)
        names = (path.rsplit("/", 1)[-1] for path in self.fs.ls(self.path, detail=False))
        return {int(match[1]) for match in map(PART.fullmatch, names) if match}

    def read(self, path: str) -> bytes | None:
        """Returns a file's contents, or `None` if there is no such file."""
        try:
            data: bytes = self.fs.cat_file(path)
        except FileNotFoundError:
            return None
        return data

    def write_whole(self, path: str, data: bytes) -> None:
        """Writes a file under another name and then renames it, replacing what was there.

        Raises:
            OSError: if it cannot be written; what was there is unchanged.
        """
        temporary = self.private(f"tmp/{path.rsplit('/', 1)[-1]}.{uuid.uuid4().hex}")
        try:
            if self.is_local:
                with open(temporary, "xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, path)
            else:
                self.fs.pipe_file(temporary, data)
                self.fs.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):
                self.fs.rm_file(temporary)
            raise

    def remove_leftovers(self) -> None:
        """Removes temporary files of killed workers. Only the holder of the lock may."""
        self.fs.invalidate_cache(self.private("tmp"))
        for path in self.fs.ls(self.private("tmp"), detail=False) if self.fs.isdir(self.private("tmp")) else []:
            if re.fullmatch(r".+\.[0-9a-f]{32}", path.rsplit("/", 1)[-1]):
                self.fs.rm_file(path)
