"""A lock on an output folder: two jobs must not write to it at once."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator

from ._storage import JobError, Storage

# In a bucket, the holder renews its lock; one that has not been renewed for so long is taken over. Seconds.
RENEWAL = 30.0
EXPIRY = 300.0

# Pause after which two jobs that started at the same moment see which of them has the lock. Seconds.
SETTLING = 3.0


@contextlib.contextmanager
def lock(storage: Storage) -> Iterator[None]:
    """Holds the lock of `storage`.

    Raises:
        JobError: if another job holds it.
    """
    holder = {"host": socket.gethostname(), "pid": os.getpid(), "since": time.strftime("%Y-%m-%d %H:%M:%S")}
    held = _file_lock(storage, holder) if storage.is_local and os.name == "posix" else _lease(storage, holder)
    with held:
        yield


def _refuse(storage: Storage, content: bytes, advice: str) -> JobError:
    try:
        holder = json.loads(content)
        who = f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        who = "a process that has just started"
    return JobError(f"another job writes to {storage.url} ({who}); {advice}")


@contextlib.contextmanager
def _file_lock(storage: Storage, holder: dict[str, object]) -> Iterator[None]:
    """On a disk, the operating system releases the lock when its holder ends, however that happens."""
    import fcntl

    # The file stays: if it were removed, two jobs could hold locks on two files of that name.
    with open(storage.private("lock"), "a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise _refuse(storage, file.read(), "wait for it, or choose another OUTPUT") from error
        file.truncate(0)
        file.write(json.dumps(holder).encode())
        file.flush()
        yield


@contextlib.contextmanager
def _lease(storage: Storage, holder: dict[str, object]) -> Iterator[None]:
    """In a bucket, a file that its holder renews."""
    path, token = storage.private("lock"), uuid.uuid4().hex

    def renew() -> None:
        storage.fs.pipe_file(path, json.dumps({**holder, "token": token, "renewed": time.time()}).encode())

    def is_ours(content: bytes | None) -> bool:
        return token.encode() in (content or b"")

    content = storage.read(path)
    if content is not None and time.time() - _renewed(content) < EXPIRY:
        raise _refuse(storage, content, f"if it was killed, wait {EXPIRY / 60:.0f} minutes, or choose another OUTPUT")
    renew()
    # Of two jobs that start at the same moment, the one that wrote last has the lock.
    time.sleep(SETTLING)
    content = storage.read(path) or b""
    if not is_ours(content):
        raise _refuse(storage, content, "wait for it, or choose another OUTPUT")
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(RENEWAL):
            # A renewal that fails is tried again; there is time for ten.
            with contextlib.suppress(Exception):
                if is_ours(storage.read(path)):
                    renew()

    keeper = threading.Thread(target=keep, daemon=True)
    keeper.start()
    try:
        yield
    finally:
        ended.set()
        keeper.join()
        if is_ours(storage.read(path)):
            storage.fs.rm_file(path)


def _renewed(content: bytes) -> float:
    try:
        return float(json.loads(content)["renewed"])
    except (ValueError, KeyError, TypeError):
        return 0.0
