"""EfficientNet-Lite0 in Keras, as in src/architecture/efficientnet_lite.rs. Batch norm is folded into the convolutions,
as in Marquee. Layers have the names that their weights have in a bundle.
"""

import keras
from keras import layers

# Blocks, kernel size, stride and channels of each stage.
STAGES = [(1, 3, 1, 16), (2, 3, 2, 24), (2, 5, 2, 40), (3, 3, 2, 80), (3, 5, 1, 112), (4, 5, 2, 192), (1, 3, 1, 320)]


def build_model(width, height, genres, activation=None, batch=None):
    """Builds the model for posters [batch, height, width, 3], by default any number; `activation` is that of the outputs."""
    x = posters = keras.Input((height, width, 3), batch_size=batch)
    x = layers.Conv2D(32, 3, 2, padding="same", activation="relu6", name="stem")(x)
    for stage, (blocks, kernel, stride, channels) in enumerate(STAGES):
        for block in range(blocks):
            path = f"stages.{stage}.blocks.{block}"
            before = x
            if stage:
                x = layers.Conv2D(6 * x.shape[-1], 1, activation="relu6", name=f"{path}.expand")(x)
            stride_here = 1 if block else stride
            depthwise = layers.DepthwiseConv2D(
                kernel, stride_here, padding="same", activation="relu6", name=f"{path}.depthwise"
            )
            x = layers.Conv2D(channels, 1, name=f"{path}.project")(depthwise(x))
            if block:
                x = layers.Add()([before, x])
    x = layers.Conv2D(1280, 1, activation="relu6", name="last")(x)
    x = layers.Dropout(0.4)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(posters, layers.Dense(genres, activation=activation, name="head")(x))
