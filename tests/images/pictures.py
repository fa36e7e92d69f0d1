"""Generated picture files of every kind that people bring."""

from pathlib import Path

import numpy as np
from PIL import Image


def noise(width: int, height: int, seed: int = 0, channels: int = 3) -> np.ndarray:
    """Soft colours with some grain, uint8 (height, width, channels): neither flat nor pure noise."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 256, (max(1, height // 5), max(1, width // 5), channels), dtype=np.uint8)
    bands = [
        Image.fromarray(coarse[:, :, band]).resize((width, height), Image.Resampling.BICUBIC)
        for band in range(channels)
    ]
    soft = np.stack([np.asarray(band) for band in bands], axis=-1)
    return np.clip(soft + random.normal(0, 12, soft.shape), 0, 255).astype(np.uint8)


def save(folder: Path, sizes: list[tuple[int, int]], grey: bool = False, suffix: str = "png") -> list[Path]:
    """A picture of each size (width, height), in three channels even where it is grey."""
    paths = []
    for number, (width, height) in enumerate(sizes):
        pixels = noise(width, height, seed=number)
        if grey:
            pixels = np.repeat(pixels[:, :, :1], 3, axis=2)
        paths.append(folder / f"{number:04}.{suffix}")
        Image.fromarray(pixels).save(paths[-1], quality=95)
    return paths
