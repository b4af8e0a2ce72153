"""The unit of each signal: networks predict standardised signals, users see the signals' own."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..trials import Trials


class SignalUnits(eqx.Module):
    """Mean and standard deviation of each signal, in its own unit; not to be trained.

    standardised signal = (signal - mean) / scale
    """

    mean: Float[Array, " signal"]
    scale: Float[Array, " signal"]

    @classmethod
    def none(cls, n_signals: int) -> SignalUnits:
        """Standardised signals are the signals themselves: mean 0, scale 1."""
        return cls(jnp.zeros(n_signals), jnp.ones(n_signals))

    @classmethod
    def of(cls, trials: Trials) -> SignalUnits:
        """The units of the signals of trials: mean and SD over the scored trials on which each was
        measured; scale 1 for a constant."""
        batch = trials.batch(np.float64)
        n = np.maximum(np.asarray(batch.signal_scored).sum((0, 1)), 1)
        mean = np.asarray(batch.signal).sum((0, 1)) / n
        deviation = np.where(batch.signal_scored, batch.signal - mean, 0.0)
        variance = (deviation**2).sum((0, 1)) / n
        scale = np.sqrt(np.where(variance > 0, variance, 1.0))
        return cls(jnp.asarray(mean, jnp.float32), jnp.asarray(scale, jnp.float32))

    def standardised(self, signal: Float[Array, "*trial signal"]) -> Float[Array, "*trial signal"]:
        """Signals in their own units as standardised ones."""
        return (signal - self.mean) / self.scale

    def restored(self, signal: Float[Array, "*trial signal"]) -> Float[Array, "*trial signal"]:
        """Standardised signals in their own units."""
        return self.mean + self.scale * signal
