"""What a worker reads, and what it writes, without Ray."""

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import answers
import marquee
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from marquee.scoring import JobError, _fetch, _inputs, _plan
from marquee.scoring._plan import Part, Settings
from marquee.scoring._storage import Storage
from marquee.scoring._worker import Job, Worker


def score(source_url: str, output: Path, columns: tuple[str, str] = ("id", "image"), rows: int = 7) -> list[Part]:
    """Does all parts of a job in this process."""
    storage = Storage(str(output))
    source = _inputs.find(source_url, storage)
    storage.prepare()
    worker = Worker(Job(source.url, str(output), columns, None, 3))
    settings = Settings(source.url, source.kind, columns, worker.model.id, 3)
    parts = _plan.plan(storage, source, settings, rows)
    for part in parts:
        result = worker.score(part)
        assert result["rows"] == part.rows
    return parts


def test_rows_are_those_of_one_process(model, posters, catalogue, tmp_path):
    output = tmp_path / "output"
    parts = score(str(catalogue), output)
    assert len(parts) > 5
    ids = [f"film {index}" for index in range(len(posters))]
    answers.check(output, answers.expected(model, ids, posters))
    schema = pq.read_schema(output / "part-000000.parquet")
    assert schema.names == ["id", "probabilities", "top_genres", "error"]
    assert json.loads(schema.metadata[b"marquee"]) == {"model": model.id, "genres": list(model.genres)}


def test_ids_keep_their_type_and_nulls_are_errors(tmp_path, posters):
    (tmp_path / "input").mkdir()
    table = pa.table({"number": pa.array([7, None, 7], pa.int32()), "image": [posters[0], None, b""]})
    pq.write_table(table, tmp_path / "input/a.parquet")
    score(str(tmp_path / "input"), tmp_path / "output", ("number", "image"))
    result = pq.read_table(tmp_path / "output")
    assert result.schema.field("id").type == pa.int32()
    assert result["id"].to_pylist() == [7, None, 7]
    assert [error is None for error in result["error"].to_pylist()] == [True, False, False]


def test_reads_the_structs_of_hugging_faces_datasets(model, tmp_path, posters):
    (tmp_path / "input").mkdir()
    pictures = [{"bytes": poster, "path": "poster.jpg"} for poster in posters[:3]]
    pq.write_table(pa.table({"id": ["a", "b", "c"], "image": pictures}), tmp_path / "input/a.parquet")
    score(str(tmp_path / "input"), tmp_path / "output")
    answers.check(tmp_path / "output", answers.expected(model, ["a", "b", "c"], posters[:3]))


def test_images_have_their_paths_as_ids(model, tmp_path, posters):
    folder = tmp_path / "input"
    names = [f"{index % 3}/poster [{index}]?.jpg" for index in range(12)]
    for name, poster in zip(names, posters[:12], strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(poster)
    score(str(folder), tmp_path / "output")
    answers.check(tmp_path / "output", answers.expected(model, names, posters[:12]))


class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server and its folder."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    thread.join()


def test_addresses_are_fetched_and_a_404_is_an_error_row(model, tmp_path, posters, server):
    url, folder = server
    for index in range(3):
        (folder / f"{index}.jpg").write_bytes(posters[index])
    addresses = [f"{url}/{index}.jpg?size=large" for index in range(4)]
    addresses += [str(folder / "0.jpg"), None, "nonsense://poster", "http://127.0.0.1:9/closed.jpg"]
    (tmp_path / "input").mkdir()
    pq.write_table(pa.table({"id": range(8), "url": addresses}), tmp_path / "input/a.parquet")
    score(str(tmp_path / "input"), tmp_path / "output", ("id", "url"), rows=100)
    rows = answers.read(tmp_path / "output")
    assert [row["id"] for row in rows] == list(range(8))
    for index, row in enumerate(rows[:3]):
        assert row["probabilities"] == model.classify_batch([posters[index]])[0].tolist()
    assert rows[3]["error"] == f"{addresses[3]}: there is no such file (404)"
    assert rows[4]["probabilities"] == rows[0]["probabilities"]
    assert "null" in rows[5]["error"]
    assert "nonsense" in rows[6]["error"]
    assert "closed.jpg" in rows[7]["error"]


def test_what_may_go_away_is_tried_again():
    tries = []

    def work(error: Exception, fails: int) -> str:
        tries.append(1)
        if len(tries) <= fails:
            raise error
        return "done"

    class Status(Exception):
        def __init__(self, status: int) -> None:
            self.status = status

    for error, fails, expected in [
        (ConnectionResetError(), 2, 3),
        (Status(503), 1, 2),
        (Status(429), 1, 2),
        (ConnectionResetError(), 9, 3),
        (Status(403), 9, 1),
        (FileNotFoundError(), 9, 1),
        (OSError(28, "No space left on device"), 9, 1),
    ]:
        tries.clear()
        try:
            assert _fetch.again(lambda error=error, fails=fails: work(error, fails), pauses=(0, 0)) == "done"
        except type(error):
            assert fails == 9
        assert len(tries) == expected, error


def test_a_part_that_is_there_is_not_done_again(catalogue, tmp_path):
    output = tmp_path / "output"
    parts = score(str(catalogue), output)
    before = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
    (output / "part-000001.parquet").unlink()
    score(str(catalogue), output)
    after = {path: path.stat().st_mtime_ns for path in output.glob("part-*")}
    assert len(after) == len(parts)
    assert [path.name for path in after if after[path] != before[path]] == ["part-000001.parquet"]


def test_an_input_that_lost_rows_is_an_error(catalogue, tmp_path):
    worker = Worker(Job(str(catalogue), str(tmp_path), ("id", "image"), None, 3))
    with pytest.raises(JobError, match="it has changed"):
        worker.answers(Part(0, 50, str(catalogue / "b.parquet"), groups=[0]))


def test_a_damaged_parquet_file_is_named(catalogue, tmp_path):
    path = catalogue / "b.parquet"
    data = bytearray(path.read_bytes())
    data[200:3000] = bytes(2800)
    path.write_bytes(data)
    Storage(str(tmp_path)).prepare()
    worker = Worker(Job(str(catalogue), str(tmp_path), ("id", "image"), None, 3))
    with pytest.raises(JobError, match=r"b\.parquet: "):
        worker.score(Part(0, 40, str(path), groups=[0]))
    assert list(tmp_path.glob("part-*")) == []


def test_top_is_at_most_the_number_of_genres(model: marquee.Model, catalogue, tmp_path):
    worker = Worker(Job(str(catalogue), str(tmp_path), ("id", "image"), None, 99))
    table = worker.answers(Part(0, 6, str(catalogue / "a.parquet"), groups=[0]))
    assert len(table["top_genres"][0].as_py()) == len(model.genres)
