"""The output folder and its lock."""

import errno
import multiprocessing
import os

import fsspec
import pytest
from marquee.scoring import JobError, _lock
from marquee.scoring._lock import lock
from marquee.scoring._storage import Storage


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(_lock, "SETTLING", 0.0)


@pytest.fixture(params=["disk", "bucket"])
def storage(request, tmp_path):
    """A folder on a disk, and one in a bucket (in memory)."""
    storage = Storage(str(tmp_path / "output") if request.param == "disk" else "memory://bucket/output")
    storage.prepare()
    yield storage
    storage.fs.rm(storage.path, recursive=True)


def test_a_file_appears_under_its_name_only_when_it_is_whole(storage):
    storage.write_whole(storage.join("part-000003.parquet"), b"one")
    storage.write_whole(storage.join("part-000003.parquet"), b"two")
    assert storage.read(storage.join("part-000003.parquet")) == b"two"
    assert storage.parts() == {3}
    assert storage.fs.ls(storage.private("tmp")) == []


def test_leftovers_of_killed_workers_are_removed_and_nothing_else(storage):
    ours, other = storage.private(f"tmp/part-000001.parquet.{'0' * 32}"), storage.private("tmp/notes.txt")
    for path in ours, other:
        storage.fs.pipe_file(path, b"")
    storage.remove_leftovers()
    assert not storage.fs.exists(ours)
    assert storage.fs.exists(other)


def test_two_jobs_cannot_write_to_one_output(storage):
    words = rf"another job writes to .*process {os.getpid()} on "
    with lock(storage), pytest.raises(JobError, match=words), lock(storage):
        pass
    with lock(storage):
        pass


def hold(path: str, connection) -> None:
    with lock(Storage(path)):
        connection.send("held")
        connection.recv()


def test_a_killed_holder_lets_go(tmp_path):
    storage = Storage(str(tmp_path))
    storage.prepare()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    holder = context.Process(target=hold, args=(str(tmp_path), theirs))
    holder.start()
    assert ours.recv() == "held"
    with pytest.raises(JobError, match=f"process {holder.pid}"), lock(storage):
        pass
    holder.kill()
    holder.join()
    with lock(storage):
        pass


def test_a_buckets_lock_that_is_not_renewed_is_taken_over(monkeypatch):
    storage = Storage("memory://bucket/lease")
    storage.prepare()
    monkeypatch.setattr(_lock, "EXPIRY", 0.0)
    with lock(storage):
        with lock(storage):
            pass
        # The other job removed its own lock. A third has one now, which is not ours to remove.
        storage.fs.pipe_file(storage.private("lock"), b"third")
    assert storage.read(storage.private("lock")) == b"third"


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "output").touch()
    with pytest.raises(JobError, match="is a file"):
        Storage(str(tmp_path / "output")).prepare()


def test_a_full_disk_leaves_nothing_half_written(small_disk):
    storage = Storage(str(small_disk))
    storage.prepare()
    path = storage.join("part-000000.parquet")
    storage.write_whole(path, b"before")
    with pytest.raises(OSError) as caught:
        storage.write_whole(path, bytes(100_000))
    assert caught.value.errno == errno.ENOSPC
    assert storage.read(path) == b"before"
    assert fsspec.filesystem("file").ls(storage.private("tmp")) == []
