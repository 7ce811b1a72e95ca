"""The options of `python -m marquee score`."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ._marquee import Error


def add(commands: Any) -> None:
    """Adds the command to the command line."""
    score = commands.add_parser(
        "score",
        help="classify a whole catalogue with Ray Data, on this machine or on a cluster",
        description="Classifies all posters of INPUT that are not in OUTPUT yet. Interrupted, it goes on where it was.",
    )
    score.add_argument("input", metavar="INPUT", help="Parquet file or folder, or folder of images; disk or bucket")
    score.add_argument("output", metavar="OUTPUT", help="folder for Parquet files; disk or bucket")
    score.add_argument("--id", default="id", metavar="COLUMN", help="column of ids (id)")
    score.add_argument("--image", default="image", metavar="COLUMN", help="column of image bytes or addresses (image)")
    score.add_argument("--top", type=int, default=3, metavar="N", help="genres in the column top_genres (3)")
    score.add_argument("--model", metavar="PATH", help="a bundle's folder or .safetensors file")
    score.add_argument("--workers", type=int, metavar="N", help="workers, a core each (all cores)")
    score.add_argument("--address", metavar="ADDRESS", help="a Ray cluster, such as auto (this machine is part of it)")
    score.add_argument("--rows-per-part", type=int, metavar="N", help="posters in a file of OUTPUT (100 to 10,000)")
    score.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    try:
        from .scoring import score
        from .scoring._progress import duration
    except ImportError as error:
        raise Error(f"this needs more packages: pip install marquee-posters[score] ({error})") from error
    names = "input", "output", "id", "image", "top", "model", "workers", "address", "rows_per_part"
    summary = score(**{name: getattr(options, name) for name in names})
    done = summary.posters - summary.earlier
    print(f"{summary.posters:,} posters are in {options.output}", end="", file=sys.stderr)
    if summary.earlier:
        print(f", {summary.earlier:,} of them from earlier runs", end="", file=sys.stderr)
    if done:
        print(
            f"\n{done:,} classified now, {summary.errors:,} of them with an error, in {duration(summary.seconds)} on "
            f"{summary.workers} workers of {summary.memory:.0f} MB each",
            end="",
            file=sys.stderr,
        )
    print(file=sys.stderr)
    return 0
