"""Writes a bundle of EfficientNet-Lite0 as TensorFlow Lite files, for `cargo xtask bench web`: model.tflite in floats, and
model-int8.tflite, in which weights and activations have 8 bits.

    python3 tflite.py BUNDLE SAMPLES OUT

SAMPLES is a folder of posters, on which the ranges of the 8-bit activations are measured.
"""

import json
import os
import pathlib
import struct
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import numpy as np
import tensorflow as tf
from efficientnet_lite import build_model
from PIL import Image, ImageOps

TYPES = {"F32": np.float32, "F16": np.float16, "I8": np.int8}


def read(path):
    """Reads the tensors of a safetensors file as floats; 8-bit ones are multiplied by their scales."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = {name: entry for name, entry in json.loads(data[8 : 8 + length]).items() if name != "__metadata__"}
    stored = {}
    for name, entry in header.items():
        first, end = (8 + length + offset for offset in entry["data_offsets"])
        stored[name] = np.frombuffer(data[first:end], TYPES[entry["dtype"]]).reshape(entry["shape"])
    tensors = {}
    for name, values in stored.items():
        tensors[name] = values.astype(np.float32)
        if values.dtype == np.int8:
            tensors[name] *= stored[f"{name}.scale"].astype(np.float32)[:, None, None, None]
    return tensors


def kernel(path, weight):
    """Returns a weight in the order of Keras: [rows, columns, inputs, outputs] for [outputs, inputs, rows, columns]."""
    if path == "head":
        return weight
    return weight.transpose(2, 3, 0, 1) if path.endswith("depthwise") else weight.transpose(2, 3, 1, 0)


def posters(folder, size, mean, std):
    """Yields the normalised posters of a folder, and their mirror images."""
    for path in sorted(folder.iterdir()):
        image = Image.open(path).convert("RGB").resize(size)
        for view in (image, ImageOps.mirror(image)):
            pixels = np.asarray(view, np.float32) / 255
            yield [((pixels - mean) / std)[None].astype(np.float32)]


bundle, samples, out = map(pathlib.Path, sys.argv[1:])
manifest = json.loads((bundle / "model.json").read_text())
size = manifest["input"]["width"], manifest["input"]["height"]
tensors = read(bundle / manifest["weights"]["file"])
for name in ("head.weight", "head.bias"):
    tensors[name] /= manifest["temperature"]
model = build_model(*size, len(manifest["genres"]), "sigmoid", batch=1)
for layer in model.layers:
    if layer.weights:
        layer.set_weights([kernel(layer.name, tensors[f"{layer.name}.weight"]), tensors[f"{layer.name}.bias"]])

converter = tf.lite.TFLiteConverter.from_keras_model(model)
(out / "model.tflite").write_bytes(converter.convert())
converter = tf.lite.TFLiteConverter.from_keras_model(model)
converter.optimizations = [tf.lite.Optimize.DEFAULT]
converter.representative_dataset = lambda: posters(samples, size, manifest["input"]["mean"], manifest["input"]["std"])
(out / "model-int8.tflite").write_bytes(converter.convert())
