"""A fitted disRNN in words: which bottlenecks are open."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from .model import DisRNN
from .openness import CLOSED_ABOVE, BottleneckRow


def bottlenecks(model: DisRNN) -> list[BottleneckRow]:
    """Every bottleneck: latents' own, then of each network in the order of its inputs."""
    return model.bottlenecks()


def open_latents(model: DisRNN) -> Int[np.ndarray, " open"]:
    """Numbers (from 0) of the latents that carry anything: own bottleneck not closed."""
    return np.flatnonzero(np.asarray(model.core.bottleneck.sigma) <= CLOSED_ABOVE)
