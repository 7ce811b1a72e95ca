"""Reading a job's output, and what it must be."""

from pathlib import Path
from typing import Any

import marquee
import pyarrow.parquet as pq


def read(output: Path) -> list[dict[str, Any]]:
    """The rows of a job's output, part by part."""
    return [row for part in sorted(output.glob("part-*.parquet")) for row in pq.read_table(part).to_pylist()]


def expected(model: marquee.Model, ids: list[Any], posters: list[bytes], top: int = 3) -> dict[Any, dict[str, Any]]:
    """The answers of one process, by id."""
    distinct = {poster: index for index, poster in enumerate(dict.fromkeys(posters))}
    rows = model.classify_batch(list(distinct), threads=2)
    answers = {}
    for name, poster in zip(ids, posters, strict=True):
        index = distinct[poster]
        error = rows.errors.get(index)
        answers[name] = {
            "id": name,
            "probabilities": None if error else rows[index].tolist(),
            "top_genres": None if error else [p.genre for p in model.rank(rows[index], top=top)],
            "error": str(error) if error else None,
        }
    return answers


def check(output: Path, answers: dict[Any, dict[str, Any]]) -> None:
    """Asserts that each row is there once, and equal to the answer of one process."""
    rows = read(output)
    assert sorted(row["id"] for row in rows) == sorted(answers)
    for row in rows:
        assert row == answers[row["id"]]
    leftovers = list((output / "_marquee/tmp").iterdir())
    assert leftovers == []
