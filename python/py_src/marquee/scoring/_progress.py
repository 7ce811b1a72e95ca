"""Progress on the terminal."""

from __future__ import annotations

import sys
import time
from typing import TextIO

# Seconds between two lines where there is no terminal.
PAUSE = 15.0


class Progress:
    """One line that is overwritten, or in a log file a line now and then."""

    def __init__(self, total: int, done: int, stream: TextIO | None = None) -> None:
        self.total, self.before, self.done, self.errors = total, done, done, 0
        self.stream = stream or sys.stderr
        self.started = time.monotonic()
        self.shown = 0.0

    def add(self, rows: int, errors: int) -> None:
        """Counts posters that were done."""
        self.done += rows
        self.errors += errors
        now = time.monotonic()
        if self.stream.isatty():
            print(f"\r\033[K{self.line()}", end="", file=self.stream, flush=True)
        elif now - self.shown >= PAUSE:
            print(self.line(), file=self.stream, flush=True)
            self.shown = now

    def line(self) -> str:
        """Returns posters done, their rate, errors, and the time that is left."""
        seconds = max(time.monotonic() - self.started, 1e-6)
        rate = (self.done - self.before) / seconds
        left = (self.total - self.done) / rate if rate else 0
        return (
            f"{self.done:,} of {self.total:,} posters ({self.done / max(self.total, 1):.0%}), {rate:,.0f}/s, "
            f"{self.errors:,} errors, {duration(left)} left"
        )

    def close(self) -> None:
        """Ends the line."""
        if self.stream.isatty() and self.done > self.before:
            print(file=self.stream)


def duration(seconds: float) -> str:
    """Returns a duration in the unit that suits it."""
    for unit, size in ("days", 86400), ("hours", 3600), ("minutes", 60):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"
