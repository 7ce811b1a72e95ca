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
from efficientnet_lite import build_model
from PIL import Image

WIDTH, HEIGHT, BATCH = 160, 240, 32


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
model = build_model(WIDTH, HEIGHT, y.shape[1])
model.compile(
    keras.optimizers.AdamW(5e-4, weight_decay=0.05, clipnorm=1.0, use_ema=True, ema_momentum=0.995),
    keras.losses.BinaryCrossentropy(from_logits=True),
)
model.fit(x, y, batch_size=BATCH, epochs=epochs, shuffle=True, verbose=0, callbacks=[PrintSeconds()])
