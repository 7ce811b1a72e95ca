"""The parts of an input."""

from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from marquee.scoring import JobError, _inputs, _plan
from marquee.scoring._plan import Settings
from marquee.scoring._storage import Storage


def settings(source: _inputs.Input, **changes: object) -> Settings:
    return Settings(
        **{"input": source.url, "kind": source.kind, "columns": ("id", "image"), "model": "m", "top": 3, **changes}
    )


@pytest.fixture
def storage(tmp_path: Path) -> Storage:
    storage = Storage(str(tmp_path / "output"))
    storage.prepare()
    return storage


def write(path: Path, groups: list[int]) -> None:
    table = pa.table({"id": range(sum(groups)), "image": [b""] * sum(groups)})
    with pq.ParquetWriter(path, table.schema) as writer:
        first = 0
        for rows in groups:
            writer.write_table(table.slice(first, rows))
            first += rows


@pytest.mark.parametrize("groups", [[10], [100], [3, 3, 3, 3], [3, 100, 2], [40, 1, 1], [0, 5], [7, 0, 7]])
@pytest.mark.parametrize("rows", [1, 6, 10, 1000])
def test_each_row_is_in_one_part(tmp_path, storage, groups, rows):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/a.parquet", groups)
    source = _inputs.find(str(tmp_path / "input"), storage)
    parts = _plan.plan(storage, source, settings(source), rows)
    seen = []
    starts = [sum(groups[:index]) for index in range(len(groups))]
    for number, part in enumerate(parts):
        assert part.number == number
        in_groups = [row for group in part.groups for row in range(starts[group], starts[group] + groups[group])]
        seen += in_groups[part.skip : part.skip + part.rows]
    assert seen == list(range(sum(groups)))


def test_images_are_divided_in_the_order_of_their_paths(tmp_path, storage):
    folder = tmp_path / "input"
    for name in ("b.jpg", "a/z.PNG", "c.webp", "notes.txt", ".hidden.jpg", "_marquee/d.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    source = _inputs.find(str(folder), storage)
    parts = _plan.plan(storage, source, settings(source), 2)
    names = [[path.removeprefix(f"{folder}/") for path in part.images] for part in parts]
    assert names == [["a/z.PNG", "b.jpg"], ["c.webp"]]


def test_files_that_came_since_are_new_parts(tmp_path, storage):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/b.parquet", [4])
    source = _inputs.find(str(tmp_path / "input"), storage)
    before = _plan.plan(storage, source, settings(source), 2)
    write(tmp_path / "input/a.parquet", [2])
    source = _inputs.find(str(tmp_path / "input"), storage)
    after = _plan.plan(storage, source, settings(source), 2)
    assert [asdict(part) for part in after[: len(before)]] == [asdict(part) for part in before]
    assert [Path(part.file).name for part in after[len(before) :]] == ["a.parquet"]


def test_a_changed_file_is_refused(tmp_path, storage):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/a.parquet", [4])
    source = _inputs.find(str(tmp_path / "input"), storage)
    _plan.plan(storage, source, settings(source), None)
    write(tmp_path / "input/a.parquet", [5000])
    with pytest.raises(JobError, match=r"a\.parquet has changed since this job began"):
        _plan.plan(storage, source, settings(source), None)


@pytest.mark.parametrize(
    "change", [{"model": "another"}, {"top": 5}, {"input": "/elsewhere"}, {"columns": ("id", "url")}]
)
def test_an_output_belongs_to_one_job(tmp_path, storage, change):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/a.parquet", [4])
    source = _inputs.find(str(tmp_path / "input"), storage)
    _plan.plan(storage, source, settings(source), None)
    with pytest.raises(JobError, match=f"answers of another job: its {next(iter(change))}"):
        _plan.plan(storage, source, settings(source, **change), None)


def test_an_output_of_another_program_is_left_alone(tmp_path, storage):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/a.parquet", [4])
    write(tmp_path / "output/part-000000.parquet", [4])
    source = _inputs.find(str(tmp_path / "input"), storage)
    with pytest.raises(JobError, match="another program"):
        _plan.plan(storage, source, settings(source), None)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (("film", "image"), r"no column 'film'; it has id \(int64\), image \(binary\)\. Name another with --id"),
        (("id", "poster"), r"no column 'poster'.*--image"),
        (("id", "id"), r"'id' has the type int64; posters are"),
    ],
)
def test_a_missing_column_is_named(tmp_path, storage, columns, words):
    (tmp_path / "input").mkdir()
    write(tmp_path / "input/a.parquet", [4])
    source = _inputs.find(str(tmp_path / "input"), storage)
    with pytest.raises(JobError, match=words):
        _plan.plan(storage, source, settings(source, columns=columns), None)


def test_inputs_that_cannot_be_read_are_refused(tmp_path, storage):
    folder = tmp_path / "input"
    with pytest.raises(JobError, match="no such file or folder"):
        _inputs.find(str(folder), storage)
    folder.mkdir()
    with pytest.raises(JobError, match="neither Parquet files"):
        _inputs.find(str(folder), storage)
    (folder / "a.parquet").write_bytes(b"PAR1 is not all of it")
    source = _inputs.find(str(folder), storage)
    with pytest.raises(JobError, match=r"a\.parquet: "):
        _plan.plan(storage, source, settings(source), None)
    (folder / "b.jpg").touch()
    with pytest.raises(JobError, match="one kind"):
        _inputs.find(str(folder), storage)
    with pytest.raises(JobError, match="lies inside INPUT"):
        _inputs.find(str(tmp_path), storage)
    with pytest.raises(JobError, match="nonsense"):
        _inputs.find("nonsense://bucket", storage)
