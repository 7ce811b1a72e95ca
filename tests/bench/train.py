"""Trains EfficientNet-Lite0 with Keras like `trainer train` does, for `cargo xtask bench train`.

Batches of 32 posters at 160 x 240, all layers trained, no augmentation; AdamW, EMA of the weights, binary
cross-entropy. Prints the seconds of each epoch as JSON lines.

    KERAS_BACKEND=tensorflow|torch python3 train.py DIR IDS.txt EPOCHS

DIR has the layout of the Kaggle dataset; IDS.txt lists the posters to use.
"""

import csv
import json
import os
import pathlib
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
from keras import layers
from PIL import Image

WIDTH, HEIGHT, BATCH = 160, 240, 32

# Blocks, kernel size, stride and channels of each stage, as in src/architecture/efficientnet_lite.rs.
STAGES = [(1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320)]


def build_model(genres):
    """Builds the model; batch norm is folded into the convolutions, as in Marquee."""
    x = posters = keras.Input((HEIGHT, WIDTH, 3))
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu6")(x)
    for number, (blocks, kernel, stride, channels) in enumerate(STAGES):
        for block in range(blocks):
            before = x
            if number:
                x = layers.Conv2D(6 * x.shape[-1], 1, activation="relu6")(x)
            x = layers.DepthwiseConv2D(kernel, 1 if block else stride, padding="same", activation="relu6")(x)
            x = layers.Conv2D(channels, 1)(x)
            if block:
                x = layers.Add()([before, x])
    x = layers.Conv2D(1280, 1, activation="relu6")(x)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(posters, layers.Dense(genres)(x))


class PrintSeconds(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.monotonic()

    def on_epoch_end(self, epoch, logs=None):
        print(json.dumps({"epoch": epoch + 1, "seconds": time.monotonic() - self.started}), flush=True)


data, ids, epochs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_text().split(), int(sys.argv[3])
files = {path.stem: path for path in (data / "Images").iterdir()}
with open(data / "train.csv", newline="") as file:
    rows = {row["Id"]: row for row in csv.DictReader(file)}
images = [Image.open(files[id]).convert("RGB").resize((WIDTH, HEIGHT)) for id in ids]
x = (np.stack([np.asarray(image, np.float32) for image in images]) - 127) / 128
genres = [name for name in next(iter(rows.values())) if name not in ("Id", "Genre")]
y = np.array([[float(rows[id][genre]) for genre in genres] for id in ids], np.float32)
model = build_model(y.shape[1])
model.compile(
    keras.optimizers.AdamW(5e-4, weight_decay=0.05, clipnorm=1.0, use_ema=True, ema_momentum=0.995),
    keras.losses.BinaryCrossentropy(from_logits=True),
)
model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=True, verbose=0, callbacks=[PrintSeconds()])
