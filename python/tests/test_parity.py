"""The same bytes have the same probabilities as in the browser."""

import json
import os
import subprocess

import numpy as np
import pytest
from conftest import ROOT


@pytest.mark.skipif("MARQUEE_CPU_PACKAGE" not in os.environ, reason="cargo xtask test names the built package")
def test_answers_are_those_of_the_browsers_cpu_package(model, samples):
    command = ["node", ROOT / "python/tests/parity.mjs", os.environ["MARQUEE_CPU_PACKAGE"], ROOT / "www/model"]
    result = subprocess.run([*command, *samples], capture_output=True, text=True, check=True, timeout=300)
    page = np.array([[row[genre] for genre in model.genres] for row in json.loads(result.stdout)])
    rows = model.classify_batch(samples)
    assert page.shape == rows.shape
    difference = np.abs(page - np.asarray(rows, np.float64)).max()
    print(f"largest difference from the browser's CPU package: {difference:.1e}")
    assert difference <= 1e-6
