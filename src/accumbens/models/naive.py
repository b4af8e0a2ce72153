"""The baseline without memory: choices at chance, the signal's mean for each outcome."""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..errors import DataError
from ..trials import Trials
from .base import Model

MAX_PATTERNS = 64
"""Distinct outcomes beyond which a mean for each is no baseline any more."""


class Naive(Model):
    """Every choice equally likely; signal = its mean over training trials with the same outcome.

    patterns: the distinct outcome rows of the training trials (such as 0 and 1 of one reward).
    pattern_signal: the mean signals after each. mean_signal: over all trials, for outcomes that
    training trials did not have; with no pattern at all this is the mean-only baseline.
    State: none. Latents: none.
    Source: the naive baseline of Jain et al., Table 1.
    """

    patterns: Float[Array, "pattern outcome"]
    pattern_signal: Float[Array, "pattern signal"]
    mean_signal: Float[Array, " signal"]
    n_choices: int = eqx.field(static=True, default=2)

    @property
    def n_signals(self) -> int:
        return self.mean_signal.shape[-1]

    @classmethod
    def from_trials(cls, trials: Trials) -> Naive:
        """The means over the scored trials of `trials`.

        Raises DataError when a signal was never measured or there are too many distinct outcomes.
        """
        mean = _mean_signal(trials, trials.scored)
        rows = trials.outcome[trials.scored].astype(np.float32)
        patterns = np.unique(rows, axis=0)
        if len(patterns) > MAX_PATTERNS:
            raise DataError(
                f"The naive baseline takes the signal's mean for each distinct outcome, and "
                f"{trials.names.outcomes} have {len(patterns)}: group them into at most "
                f"{MAX_PATTERNS}, or use the mean alone (Naive.mean_only)."
            )
        outcome = trials.outcome.astype(np.float32)
        groups = [trials.scored & (outcome == pattern).all(-1) for pattern in patterns]
        means = [_mean_signal(trials, group, otherwise=mean) for group in groups]
        return cls(
            jnp.asarray(patterns), jnp.asarray(np.stack(means)), jnp.asarray(mean), trials.n_choices
        )

    @classmethod
    def of_outcomes_or_mean(cls, trials: Trials) -> Naive:
        """The mean after each outcome or, where these are too many, the mean over all trials.

        Raises DataError where a signal was not measured on any scored trial.
        """
        many = n_patterns(trials) > MAX_PATTERNS
        return cls.mean_only(trials) if many else cls.from_trials(trials)

    @classmethod
    def mean_only(cls, trials: Trials) -> Naive:
        """The mean over all scored trials, whatever the outcome. Raises DataError as above."""
        mean = jnp.asarray(_mean_signal(trials, trials.scored))
        none = jnp.zeros((0, len(trials.names.outcomes)))
        return cls(none, jnp.zeros((0, mean.shape[0])), mean, trials.n_choices)

    def initial_state(self, subject: Int[Array, ""]) -> tuple[()]:
        return ()

    def choice_logits(self, state: tuple[()]) -> Float[Array, " choice"]:
        return jnp.zeros(self.n_choices)

    def signals(
        self, state: tuple[()], choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        same = (self.patterns == outcome).all(-1)[:, None]
        known = jnp.sum(jnp.where(same, self.pattern_signal, 0.0), axis=0)
        return jnp.where(same.any(), known, self.mean_signal)

    def update(
        self, state: tuple[()], choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> tuple[()]:
        return state

    def latents(self, state: tuple[()]) -> dict[str, Float[Array, ""]]:
        return {}


def n_patterns(trials: Trials) -> int:
    """How many different outcomes the scored trials have."""
    return len(np.unique(trials.outcome[trials.scored].astype(np.float32), axis=0))


def _mean_signal(trials: Trials, chosen, otherwise=None) -> Float[np.ndarray, " signal"]:
    """Mean of each signal over the chosen trials on which it was measured."""
    measured = chosen[..., None] & trials.measured
    count = measured.sum((0, 1))
    if otherwise is None:
        if not count.all():
            without = [s for s, n in zip(trials.names.signals, count, strict=True) if not n]
            raise DataError(
                f"The signal {', '.join(without)} was not measured on any scored trial of the "
                "training sessions. Leave it out, or fit to other sessions."
            )
        otherwise = np.zeros(count.shape)
    total = np.where(measured, trials.signal, 0.0).sum((0, 1))
    return np.where(count > 0, total / np.maximum(count, 1), otherwise).astype(np.float32)
