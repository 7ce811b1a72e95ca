"""The types that the package declares."""

import subprocess
import sys
from pathlib import Path

USE = """
import marquee
model = marquee.load()
reveal_type(model.classify("poster.jpg", top=3))
reveal_type(model.classify_batch([b""]))
reveal_type(model.explain(b"", "Drama"))
reveal_type(model.explain(b""))
model.classify(7)
"""


PYTHON = Path(__file__).parents[1]


def mypy(*arguments: object) -> str:
    command = [sys.executable, "-m", "mypy", "--config-file", PYTHON / "pyproject.toml", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300).stdout


def test_the_package_passes_mypys_strict_mode():
    assert "Success" in (output := mypy("--package", "marquee")), output


def test_callers_see_the_types(tmp_path: Path):
    (tmp_path / "use.py").write_text(USE)
    output = mypy(tmp_path / "use.py")
    assert '"list[marquee._prediction.Prediction]"' in output
    assert '"marquee._batch.Probabilities"' in output
    assert '"marquee._explanation.Heatmap"' in output
    assert '"marquee._explanation.Explanation"' in output
    assert 'has incompatible type "int"' in output


def test_the_stubs_are_true_of_the_native_module():
    command = [sys.executable, "-m", "mypy.stubtest", "marquee._marquee", "--ignore-disjoint-bases"]
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert result.returncode == 0, result.stdout
