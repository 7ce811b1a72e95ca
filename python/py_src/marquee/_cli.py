"""The command line: `predict` for some files, `score` for whole catalogues."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import _cli_score
from ._marquee import Error
from ._model import Model, load

if TYPE_CHECKING:
    from ._prediction import Prediction

# Files that `predict` passes to the model at once.
BATCH = 256


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command. Returns the exit status: 0, 1 for an error, 130 for Ctrl-C."""
    options = _parser().parse_args(arguments)
    try:
        status: int = options.run(options)
        return status
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return 130
    except (Error, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m marquee", description="Tells film genres from posters.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    predict = commands.add_parser("predict", help="print the most probable genres of image files")
    predict.add_argument("files", nargs="+", metavar="FILE")
    predict.add_argument("--top", type=int, default=3, metavar="N", help="genres to print (3)")
    predict.add_argument("--json", action="store_true", help="print one JSON object per file")
    predict.add_argument("--model", metavar="PATH", help="a bundle's folder or .safetensors file")
    predict.add_argument("--threads", type=int, metavar="N", help="threads (all cores)")
    predict.set_defaults(run=_predict)

    _cli_score.add(commands)
    return parser


def _predict(options: argparse.Namespace) -> int:
    model = load(options.model)
    failed = 0
    for first in range(0, len(options.files), BATCH):
        files = options.files[first : first + BATCH]
        batch = model.classify_batch(files, threads=options.threads)
        for index, file in enumerate(files):
            error = batch.errors.get(index)
            failed += error is not None
            _print(model, file, batch[index], error, options)
    if failed:
        print(f"error: {failed} of {len(options.files)} files could not be classified", file=sys.stderr)
    return 1 if failed else 0


def _print(model: Model, file: str, row: object, error: Exception | None, options: argparse.Namespace) -> None:
    genres: list[Prediction] = [] if error else model.rank(row, top=options.top)  # type: ignore[arg-type]
    if options.json:
        answer: dict[str, object] = {"file": file}
        if error:
            answer["error"] = str(error)
        else:
            answer["genres"] = [{"genre": p.genre, "probability": p.probability, "likely": p.likely} for p in genres]
        print(json.dumps(answer, ensure_ascii=False), flush=True)
    elif error:
        print(f"{file}: {error}", file=sys.stderr)
    else:
        print(f"{file}: " + ", ".join(f"{p.genre} {p.probability:.1%}" for p in genres), flush=True)
