"""Many posters at once."""

import os
import signal
import subprocess
import sys
import threading
import time

import marquee
import numpy as np
import pytest
from conftest import interruptible


def test_each_row_is_that_of_the_poster_alone(model, samples):
    rows = model.classify_batch(samples)
    assert rows.shape == (len(samples), len(model.genres))
    assert rows.dtype == np.float32
    for row, path in zip(rows, samples, strict=True):
        assert model.rank(row) == model.classify(path)


def test_threads_change_nothing(model, posters):
    one, many = (model.classify_batch(posters, threads=threads) for threads in (1, 3))
    assert one.tobytes() == many.tobytes()
    assert one.errors.keys() == many.errors.keys()


def test_a_broken_poster_has_its_own_error(model, samples):
    rows = model.classify_batch([samples[0], b"no image", "nowhere.jpg", None, 7, samples[1]])
    assert {index: type(error) for index, error in rows.errors.items()} == {
        1: marquee.ImageError,
        2: FileNotFoundError,
        3: marquee.ImageError,
        4: TypeError,
    }
    assert "nowhere.jpg" in str(rows.errors[2])
    assert np.isnan(rows[1:5]).all()
    assert not np.isnan(rows[[0, 5]]).any()


def test_an_empty_batch_has_no_rows(model):
    assert model.classify_batch([]).shape == (0, len(model.genres))


def test_a_slice_is_an_array_without_errors(model):
    rows = model.classify_batch([b""])
    assert rows[:0].errors == {}
    assert rows.copy().errors == {}


@pytest.mark.parametrize("threads", [0, -1])
def test_refuses_a_wrong_number_of_threads(model, threads):
    with pytest.raises(ValueError, match="at least 1"):
        model.classify_batch([], threads=threads)


@pytest.mark.parametrize("poster", ["poster.jpg", b"GIF89a"])
def test_refuses_one_poster_in_place_of_many(model, poster):
    with pytest.raises(TypeError, match="list of posters"):
        model.classify_batch(poster)


def test_other_python_threads_run_meanwhile(model, posters):
    counted = 0
    ended = threading.Event()

    def count() -> None:
        nonlocal counted
        while not ended.is_set():
            counted += 1
            time.sleep(0.001)

    # With Python's own switching this thread would still wait for the batch, which holds on to nothing else.
    good = [poster for poster in posters if poster != b"no image"]
    thread = threading.Thread(target=count)
    thread.start()
    before = counted
    model.classify_batch(good[:24], threads=1)
    during = counted - before
    ended.set()
    thread.join()
    assert during > 5


def test_works_after_a_fork(model, posters):
    model.classify_batch(posters[:4], threads=2)
    child = os.fork()
    if child == 0:
        rows = model.classify_batch(posters[:4], threads=2)
        os._exit(0 if not np.isnan(rows).any() else 1)
    deadline = time.monotonic() + 300
    while (ended := os.waitpid(child, os.WNOHANG))[0] == 0:
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            pytest.fail("the forked process waits for threads that it does not have")
        time.sleep(0.05)
    assert ended[1] == 0


def test_ctrl_c_ends_a_batch(samples):
    code = (
        "import marquee, sys; model = marquee.load(); print('ready', flush=True);"
        "model.classify_batch([open(sys.argv[1], 'rb').read()] * 100_000, threads=1)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(samples[0])],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=interruptible,
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=300)
    assert "KeyboardInterrupt" in errors
