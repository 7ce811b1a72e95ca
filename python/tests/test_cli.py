"""`python -m marquee predict`."""

import json
import subprocess
import sys


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "marquee", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_prints_a_line_for_each_file(model, samples):
    result = run("predict", *samples[:2])
    assert result.returncode == 0, result.stderr
    first = ", ".join(f"{p.genre} {p.probability:.1%}" for p in model.classify(samples[0], top=3))
    assert result.stdout.splitlines()[0] == f"{samples[0]}: {first}"
    assert len(result.stdout.splitlines()) == 2


def test_json_has_an_object_for_each_file_also_for_broken_ones(model, samples):
    result = run("predict", "--json", "--top", 1, samples[0], "nowhere.jpg")
    assert result.returncode == 1
    good, bad = map(json.loads, result.stdout.splitlines())
    best = model.classify(samples[0])[0]
    assert good["genres"] == [{"genre": best.genre, "probability": best.probability, "likely": best.likely}]
    assert bad["file"] == "nowhere.jpg"
    assert "No such file" in bad["error"]
    assert "1 of 2 files" in result.stderr


def test_errors_are_one_line(tmp_path):
    result = run("predict", "--model", tmp_path, "poster.jpg")
    assert result.returncode == 1
    assert result.stderr.startswith("error: ")
    assert "model.json" in result.stderr
    assert len(result.stderr.splitlines()) == 1
