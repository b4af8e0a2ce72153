"""What a result was made of and with: the fingerprint of its data, and versions."""

from __future__ import annotations

import hashlib
import importlib.metadata
import platform

import numpy as np

from ..trials import Trials
from ..version import __version__


def fingerprint(trials: Trials) -> str:
    """SHA-256 of all numbers and names of the trials, however they are stored."""
    digest = hashlib.sha256(repr(trials.names).encode())
    for field in ("choice", "outcome", "signal", "number", "instructed", "length", "subject"):
        array = np.ascontiguousarray(getattr(trials, field))
        digest.update(f"{field}{array.dtype}{array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """What this run was made with."""
    packages = ("jax", "jaxlib", "equinox", "optax", "numpy", "pandas")
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "accumbens": __version__,
    } | {name: importlib.metadata.version(name) for name in packages}
