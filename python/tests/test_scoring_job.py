"""Whole jobs on Ray: on this machine, interrupted, and on a cluster that loses a machine."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import answers
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray
from conftest import interruptible
from marquee.scoring import Summary, score
from ray.cluster_utils import Cluster

# A part has 20 posters and takes some tenths of a second.
PARTS, ROWS = 24, 20


@pytest.fixture
def large(tmp_path: Path, posters: list[bytes]) -> tuple[Path, list[str], list[bytes]]:
    """A folder with one Parquet file, its ids, and its posters."""
    folder = tmp_path / "large"
    folder.mkdir()
    ids = [f"film {index}" for index in range(PARTS * ROWS)]
    files = [posters[index % len(posters)] for index in range(len(ids))]
    pq.write_table(pa.table({"id": ids, "image": files}), folder / "a.parquet", row_group_size=ROWS)
    return folder, ids, files


def done(output: Path) -> list[Path]:
    return sorted(output.glob("part-*.parquet"))


def wait(condition: Callable[[], object], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "marquee", "score", *map(str, arguments)]


def test_an_interrupted_job_goes_on_and_excludes_others(model, large, tmp_path):
    source, ids, files = large
    output = tmp_path / "output"
    job = command(source, output, "--workers", 2, "--rows-per-part", ROWS)
    first = subprocess.Popen(job, stderr=subprocess.PIPE, text=True, preexec_fn=interruptible)
    wait(lambda: len(done(output)) >= 3 or first.poll() is not None)

    second = subprocess.run(job, capture_output=True, text=True, check=False, timeout=300)
    assert second.returncode == 1
    assert f"another job writes to {output} (process {first.pid} on " in second.stderr

    first.send_signal(signal.SIGINT)
    _, errors = first.communicate(timeout=300)
    assert first.returncode == 130, errors
    assert "stopped" in errors
    assert "Traceback" not in errors
    before = {path: path.stat().st_mtime_ns for path in done(output)}
    assert 3 <= len(before) < PARTS
    for path in before:
        assert pq.read_metadata(path).num_rows == ROWS

    third = subprocess.run(job, capture_output=True, text=True, check=False, timeout=300)
    assert third.returncode == 0, third.stderr
    assert f"{len(ids)} posters are in {output}, {len(before) * ROWS} of them from earlier runs" in third.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    answers.check(output, answers.expected(model, ids, files))


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two machines with a core each, which notice soon that the other is gone."""
    checks = {"health_check_initial_delay_ms": 500, "health_check_period_ms": 500, "health_check_failure_threshold": 4}
    memory = {"object_store_memory": 100 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "_system_config": checks, **memory})
    cluster.add_node(num_cpus=1, **memory)
    ray.init(cluster.address, log_to_driver=False, logging_level="ERROR")
    yield cluster
    ray.shutdown()
    cluster.shutdown()


def workers(raylet: int) -> list[int]:
    """The processes of a machine that classify posters."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
                if parent == raylet and b"MapWorker" in (process / "cmdline").read_bytes():
                    found.append(int(process.name))
            except OSError:
                pass  # it has ended
    return found


@pytest.mark.skipif(sys.platform != "linux", reason="finds the workers in /proc")
def test_a_job_survives_the_loss_of_a_machine(model, large, tmp_path, cluster):
    source, ids, files = large
    output = tmp_path / "output"
    other = next(node for node in cluster.list_all_nodes() if not node.head)
    raylet = other.all_processes["raylet"][0].process.pid
    with ThreadPoolExecutor(1) as pool:
        job = pool.submit(score, str(source), str(output), rows_per_part=ROWS)
        wait(lambda: (workers(raylet) and len(done(output)) >= 5) or job.done())
        cluster.remove_node(other, allow_graceful=False)
        assert len(done(output)) < PARTS, "the machine was lost too late"
        summary = job.result(timeout=600)
    assert isinstance(summary, Summary)
    assert (summary.posters, summary.earlier, summary.errors) == (len(ids), 0, len(ids) // 10)
    answers.check(output, answers.expected(model, ids, files))


def test_a_full_disk_ends_a_job_which_goes_on_when_there_is_space(model, posters, catalogue, small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(bytes(36 << 10))
    output = small_disk / "output"
    job = command(catalogue, output, "--rows-per-part", 5)
    full = subprocess.run(job, capture_output=True, text=True, check=False, timeout=300)
    assert full.returncode == 1
    reason = r"a worker failed: .*No space left on device.*run the same command to go on"
    assert re.search(reason, full.stderr), full.stderr
    assert 0 < len(answers.read(output)) < len(posters)
    filler.unlink()
    subprocess.run(["mount", "-o", "remount,size=1m", str(small_disk)], check=True)
    again = subprocess.run(job, capture_output=True, text=True, check=False, timeout=300)
    assert again.returncode == 0, again.stderr
    answers.check(output, answers.expected(model, [f"film {index}" for index in range(len(posters))], posters))
