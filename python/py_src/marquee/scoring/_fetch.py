"""Image files from their addresses."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ._storage import JobError, open_url

# Files of a batch that are fetched at once: the network's latency, not the core, is the limit.
FETCHERS = 16

# Pauses before an address is tried again, in seconds.
PAUSES = (0.5, 2.0)

# What does not go away by itself.
LASTING = (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR)


def fetch(addresses: Sequence[str | None]) -> list[bytes | Exception | None]:
    """Reads files of any file system that fsspec knows, such as `https://`, `s3://` or a path. Returns one result per
    address: the bytes, or why there are none."""
    with ThreadPoolExecutor(FETCHERS) as pool:
        return list(pool.map(_fetch_one, addresses))


def _fetch_one(address: str | None) -> bytes | Exception | None:
    if address is None:
        return None

    def read() -> bytes:
        fs, path = open_url(address)
        return fs.cat_file(path)  # type: ignore[no-any-return]

    try:
        data: bytes = again(read)
        return data
    except FileNotFoundError:
        return FileNotFoundError(f"{address}: there is no such file (404)")
    except JobError as error:
        return error
    except Exception as error:  # every file system raises its own
        return OSError(f"{address}: {error or type(error).__name__}")


def again(work: Callable[[], Any], pauses: Sequence[float] = PAUSES) -> Any:
    """Repeats work that fails for a reason that may go away, such as a lost connection."""
    for pause in pauses:
        try:
            return work()
        except (FileNotFoundError, PermissionError, JobError):
            raise
        except Exception as error:
            # An HTTP status of 400 to 499 is an answer, and most likely the same the next time.
            status = getattr(error, "status", None)
            lasting = status is not None and 400 <= status < 500 and status not in (408, 429)
            if lasting or getattr(error, "errno", None) in LASTING:
                raise
            time.sleep(pause)
    return work()
