"""Random numbers from names: the same seed and name give the same stream on every machine."""

import hashlib

import numpy as np


def derive(seed: int, *names: object) -> int:
    """A 31-bit seed for one purpose, for example derive(0, 'split')."""
    digest = hashlib.sha256(repr((seed, *map(str, names))).encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def generator(seed: int, *names: object) -> np.random.Generator:
    return np.random.default_rng(derive(seed, *names))
