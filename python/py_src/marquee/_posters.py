"""Posters as people have them, as the native module takes them."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ._marquee import Rgba

if TYPE_CHECKING:
    from PIL.Image import Image

    Poster: TypeAlias = str | os.PathLike[str] | bytes | bytearray | memoryview | Image | np.ndarray[Any, Any]


def prepare(poster: Poster) -> str | bytes | Rgba:
    """Returns a path, the bytes of an image file, or decoded pixels.

    Raises:
        TypeError: if it is none of the accepted types.
        ValueError: if an array is not an image.
    """
    if isinstance(poster, bytes | str):
        return poster
    if isinstance(poster, bytearray | memoryview):
        return bytes(poster)
    if isinstance(poster, os.PathLike):
        return os.fspath(poster)
    if isinstance(poster, np.ndarray):
        return _from_array(poster)
    # PIL is not imported only to find out that nobody uses it.
    pil = sys.modules.get("PIL.Image")
    if pil is not None and isinstance(poster, pil.Image):
        return _from_pil(poster)
    raise TypeError(
        f"a poster is a path, the bytes of an image file, a PIL image or a NumPy array, not {type(poster).__name__}"
    )


def _from_array(array: np.ndarray[Any, Any]) -> Rgba:
    """Converts `[height, width]` (grey), `[height, width, 3]` (RGB) or `[height, width, 4]` (RGBA), 8 bits each."""
    channels = array.shape[2] if array.ndim == 3 else 1 if array.ndim == 2 else 0
    if array.dtype != np.uint8 or channels not in (1, 3, 4):
        raise ValueError(
            "a poster's array is uint8 of the shape [height, width], [height, width, 3] or [height, width, 4], "
            f"not {array.dtype} of the shape {list(array.shape)}"
        )
    height, width = array.shape[:2]
    rgba = np.full((height, width, 4), 255, np.uint8)
    if channels == 4:
        rgba[:] = array
    else:
        rgba[:, :, :3] = array.reshape(height, width, channels)
    return Rgba(rgba.tobytes(), width, height)


def _from_pil(image: Image) -> Rgba:
    from PIL import ImageOps

    if image.mode.startswith(("I", "F")):
        raise ValueError(f"a PIL image of mode {image.mode} has no 8-bit pixels: convert it first")
    # As for a file: upright, as its EXIF data says.
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    return Rgba(upright.tobytes(), upright.width, upright.height)
