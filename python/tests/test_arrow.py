"""Posters in Arrow arrays."""

import json

import numpy as np
import pyarrow as pa
import pytest


def values(batch: pa.RecordBatch) -> list[list[float] | None]:
    return batch.column("probabilities").to_pylist()


def expected(model, posters) -> list[list[float] | None]:
    rows = model.classify_batch(posters)
    return [None if index in rows.errors else row.tolist() for index, row in enumerate(rows)]


@pytest.mark.parametrize("kind", [pa.binary(), pa.large_binary(), pa.binary_view()])
def test_answers_are_those_of_the_bytes(model, posters, kind):
    posters = [*posters[:10], None]
    batch = model.classify_batch(pa.array(posters, kind))
    assert values(batch) == expected(model, posters)
    errors = batch.column("error").to_pylist()
    assert errors[:9] == [None] * 9
    assert "not a supported image" in errors[9]
    assert "null" in errors[10]


def test_slices_begin_where_they_begin(model, posters):
    array = pa.array([None, *posters[:6]], pa.binary()).slice(2, 3)
    assert values(model.classify_batch(array)) == expected(model, posters[1:4])


def test_chunks_become_one_batch(model, posters):
    chunks = pa.chunked_array([pa.array(posters[8:11]), pa.array([], pa.binary()), pa.array(posters[:2])])
    batch = model.classify_batch(chunks)
    assert values(batch) == expected(model, posters[8:11] + posters[:2])


def test_takes_whatever_has_arrows_capsules(model, posters):
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __arrow_c_array__(self, requested_schema=None):
            return self.array.__arrow_c_array__(requested_schema)

    batch = model.classify_batch(Foreign(pa.array(posters[:3])))
    assert values(batch) == expected(model, posters[:3])


def test_the_schema_names_genres_and_model(model, posters):
    field = model.classify_batch(pa.array(posters[:1])).schema.field("probabilities")
    assert json.loads(field.metadata[b"genres"]) == list(model.genres)
    assert field.metadata[b"model"].decode() == model.id
    assert field.type == pa.list_(pa.float32(), len(model.genres))


def test_reads_the_buffers_in_place(model, posters):
    # Posters of 200 MB in all, of which none is an image: a copy would show.
    import resource

    blob = np.zeros(200_000_000, np.uint8)
    offsets = np.arange(0, 200_000_001, 100_000_000, dtype=np.int32)
    array = pa.Array.from_buffers(pa.binary(), 2, [None, pa.py_buffer(offsets), pa.py_buffer(blob)])
    blob[:] = 1
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    batch = model.classify_batch(array)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert batch.column("error").null_count == 0
    assert grown < 50_000, f"{grown} kB"


def test_an_empty_array_is_an_empty_batch(model):
    assert model.classify_batch(pa.array([], pa.binary())).num_rows == 0


def test_refuses_other_types(model):
    with pytest.raises(TypeError, match="int64"):
        model.classify_batch(pa.array([1, 2]))
