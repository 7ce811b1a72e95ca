"""The wheel next to Pillow and onnxruntime, and the job on one and two workers: `cargo xtask bench scale` runs this.

Times are CPU times where a core is the limit, so that other programs on the machine change little.
"""

from __future__ import annotations

import argparse
import io
import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import marquee
import numpy as np
import onnxruntime
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from marquee.scoring import score
from PIL import Image

# Most that the engines' probabilities may differ: Pillow decodes and resizes with other rounding.
TOLERANCE = 0.02


class OnnxRuntime:
    """What people would write: Pillow for the pixels, onnxruntime for the model, in single precision."""

    def __init__(self, model: Path, manifest: dict[str, object], threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name
        size = manifest["input"]
        self.size = size["width"], size["height"]
        self.mean, self.std = (np.array(size[name], np.float32) for name in ("mean", "std"))

    def __call__(self, files: list[bytes]) -> np.ndarray:
        return np.concatenate([self.session.run(None, {self.input: self.pixels(file)})[0] for file in files])

    def pixels(self, file: bytes) -> np.ndarray:
        image = Image.open(io.BytesIO(file)).convert("RGB").resize(self.size, Image.Resampling.BILINEAR)
        values = (np.asarray(image, np.float32) / 255 - self.mean) / self.std
        return values.transpose(2, 0, 1)[None]


def milliseconds(work: Callable[[], object], posters: int) -> tuple[float, float]:
    """The CPU time and the wall time of a poster."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return (time.process_time() - cpu) * 1e3 / posters, (time.perf_counter() - wall) * 1e3 / posters


def engines(files: list[bytes], onnx: Path, rounds: int, results: list[dict[str, object]]) -> None:
    """Measures both engines in turn, with one and with two threads."""
    model = marquee.load()
    for threads in 1, 2:
        peer = OnnxRuntime(onnx, model.manifest, threads)
        works = {
            "Marquee": lambda threads=threads: model.classify_batch(files, threads=threads),
            "Pillow + onnxruntime": lambda peer=peer: peer(files),
        }
        difference = np.abs(np.asarray(works["Marquee"]()) - works["Pillow + onnxruntime"]()).max()
        assert difference < TOLERANCE, f"the engines' probabilities differ by {difference}"
        measured: dict[str, list[tuple[float, float]]] = {name: [] for name in works}
        for _ in range(rounds):
            for name, work in works.items():
                measured[name].append(milliseconds(work, len(files)))
        for name, pairs in measured.items():
            for kind, values in zip(("CPU time", "wall time"), zip(*pairs, strict=True), strict=True):
                add(results, name, f"{kind} of a poster, {threads} threads", "ms", list(values))
    print(f"largest difference of a probability: {difference:.4f}")


class Workers:
    """Watches the processes of Ray's workers: their CPU time, and their memory at most."""

    def __init__(self) -> None:
        self.cpu: dict[int, float] = {}
        self.private: dict[int, float] = {}
        self.resident: dict[int, float] = {}
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.watch)

    def __enter__(self) -> Workers:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def watch(self) -> None:
        while not self.ended.wait(0.5):
            for process in psutil.Process().children(recursive=True):
                try:
                    if "MapWorker" not in " ".join(process.cmdline()):
                        continue
                    times, memory = process.cpu_times(), process.memory_full_info()
                except psutil.Error:
                    continue
                self.cpu[process.pid] = times.user + times.system
                self.private[process.pid] = max(self.private.get(process.pid, 0), memory.uss / 1e6)
                self.resident[process.pid] = max(self.resident.get(process.pid, 0), memory.rss / 1e6)


def job(files: list[bytes], workers: int, results: list[dict[str, object]]) -> float:
    """Measures a job. Returns its rate in posters a second, once all workers run."""
    rows = max(len(files) // 20, 1)
    with tempfile.TemporaryDirectory() as folder:
        source, output = Path(folder, "input"), Path(folder, "output")
        source.mkdir()
        pq.write_table(pa.table({"id": range(len(files)), "image": files}), source / "a.parquet", row_group_size=rows)
        with Workers() as processes:
            score(str(source), str(output), workers=workers, rows_per_part=rows)
        written = sorted(part.stat().st_mtime for part in output.glob("part-*.parquet"))
    # The first part of each worker is its start.
    rate = rows * (len(written) - workers) / (written[-1] - written[workers - 1])
    name = f"job, {workers} workers"
    add(results, name, "rate", "posters/s", [rate])
    add(results, name, "CPU time of a poster", "ms", [sum(processes.cpu.values()) * 1e3 / len(files)])
    add(results, name, "private memory of a worker", "MB", list(processes.private.values()))
    add(results, name, "resident memory of a worker", "MB", list(processes.resident.values()))
    return rate


def add(results: list[dict[str, object]], engine: str, metric: str, unit: str, values: list[float]) -> None:
    median, low, high = statistics.median(values), min(values), max(values)
    results.append({"engine": engine, "metric": metric, "unit": unit, "median": median, "low": low, "high": high})
    print(f"{engine:22} {metric:34} {median:8.1f} {unit} ({low:.1f} to {high:.1f})", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posters", type=Path, required=True, help="folder of images")
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--count", type=int, required=True, help="posters for the engines; ten times as many for a job")
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    paths = sorted(path for path in options.posters.iterdir() if path.suffix in (".jpg", ".jpeg", ".png", ".webp"))
    some = [path.read_bytes() for path in paths[: options.count * 10]]
    files = [some[index % len(some)] for index in range(options.count * 10)]
    results: list[dict[str, object]] = []
    engines(files[: options.count], options.onnx, options.rounds, results)
    one, two = (job(files, workers, results) for workers in (1, 2))
    add(results, "job", "efficiency of two workers", "", [two / one / 2])
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
