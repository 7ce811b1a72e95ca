"""What the tests share: the model, and posters."""

import io
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import marquee
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]


def interruptible() -> None:
    """Lets a process that is about to start end on Ctrl-C: a shell makes those in its background ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture(scope="session")
def model() -> marquee.Model:
    return marquee.load()


@pytest.fixture(scope="session")
def samples() -> list[Path]:
    """The page's sample posters, and files of other formats."""
    fixtures = ROOT / "tests/fixtures"
    return [*sorted((ROOT / "www/samples").glob("*.jpg")), fixtures / "cmyk.jpg", fixtures / "poster.png"]


@pytest.fixture(scope="session")
def posters(samples: list[Path]) -> list[bytes]:
    """Sixty small posters, all different, of which every tenth is broken."""
    pictures = [Image.open(path).convert("RGB").resize((80, 120)) for path in samples]
    files = []
    for index in range(60):
        picture = np.asarray(pictures[index % len(pictures)], np.uint8)
        file = io.BytesIO()
        Image.fromarray(np.roll(picture, index, axis=1)).save(file, "JPEG")
        files.append(b"no image" if index % 10 == 9 else file.getvalue())
    return files


@pytest.fixture
def catalogue(tmp_path: Path, posters: list[bytes]) -> Path:
    """A Parquet folder of two files, the posters as bytes; the second file is one row group."""
    folder = tmp_path / "catalogue"
    folder.mkdir()
    table = pa.table({"id": [f"film {index}" for index in range(len(posters))], "image": posters})
    pq.write_table(table.slice(0, 20), folder / "a.parquet", row_group_size=6)
    pq.write_table(table.slice(20), folder / "b.parquet")
    return folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root may mount a small disk")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


# Ray reports its use to nobody.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
