"""Trial-history regression as a model: the next choice from recent choices and their outcomes."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..errors import ConfigError
from ..outcomes import type_of
from .base import Model


class HistoryState(NamedTuple):
    """The last choices (+1, -1, or 0 where there was none yet) and outcome types, latest first."""

    sign: Float[Array, " lag"]
    type: Int[Array, " lag"]
    subject: Int[Array, ""]


class HistoryRegression(Model):
    """Logistic regression of choice on past choices, by what followed them.

    log p(1)/p(0) = bias + sum over lags l and outcome types i of
                    weight_il c_{t-l} [type of outcome t-l is i],   c = +1 for choice 1, -1 for 0.
    A positive weight repeats a choice that was followed by that outcome, a negative one switches.
    Lags count trials with a choice: a missed trial is skipped, an instructed one counts. A session
    starts without history, so lags never cross sessions.

    bias: log-odds towards choice 1, for each subject or one for all.
    weights: log-odds, for each subject (or once), outcome type (`outcomes.type_names`) and lag
        (first: the trial before).
    Raises ConfigError when bias and weights differ in subjects, or types are not 2, 4, 8 or 16.
    Source: Lau & Glimcher (2005), J Exp Anal Behav 84:555; Miller et al., Structured credit
    assignment in mice, Figure 2.
    """

    bias: Float[Array, " subject"]
    weights: Float[Array, "subject type lag"]

    def __check_init__(self) -> None:
        if self.bias.shape[0] != self.weights.shape[0]:
            raise ConfigError(
                f"HistoryRegression has biases for {self.bias.shape[0]} subjects but weights for "
                f"{self.weights.shape[0]}: give one set for each subject, or one for all."
            )
        if self.weights.shape[1] not in (2, 4, 8, 16):
            raise ConfigError(
                f"HistoryRegression has weights for {self.weights.shape[1]} outcome types; with K "
                "outcome columns there are 2^K: 2, 4, 8 or 16."
            )

    @property
    def n_choices(self) -> int:
        return 2

    @property
    def n_signals(self) -> int:
        return 0

    @property
    def n_subjects(self) -> int | None:
        n = self.bias.shape[0]
        return None if n == 1 else n

    @property
    def n_lags(self) -> int:
        return self.weights.shape[2]

    def initial_state(self, subject: Int[Array, ""]) -> HistoryState:
        nothing = jnp.zeros(self.n_lags, jnp.int32)
        which = subject if self.n_subjects else jnp.zeros_like(subject)
        return HistoryState(nothing.astype(self.weights.dtype), nothing, which)

    def log_odds(self, state: HistoryState) -> Float[Array, ""]:
        """log p(1)/p(0) on the coming trial."""
        weights = self.weights[state.subject]
        kinds = jnp.arange(weights.shape[0])[:, None] == state.type[None, :]
        return self.bias[state.subject] + jnp.where(kinds, weights * state.sign, 0.0).sum()

    def choice_logits(self, state: HistoryState) -> Float[Array, " choice"]:
        log_odds = self.log_odds(state)
        return jnp.stack([jnp.zeros_like(log_odds), log_odds])

    def signals(
        self, state: HistoryState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        return jnp.zeros(0, self.weights.dtype)

    def update(
        self, state: HistoryState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> HistoryState:
        if self.weights.shape[1] != 2 ** outcome.shape[0]:
            raise ConfigError(
                f"This HistoryRegression has weights for {self.weights.shape[1]} outcome types, "
                f"but the trials have {outcome.shape[0]} outcome columns, hence "
                f"{2 ** outcome.shape[0]} types. Use trials with the outcomes of the fit."
            )
        sign = jnp.where(choice == 1, 1.0, -1.0).astype(state.sign.dtype)
        return HistoryState(
            jnp.concatenate([sign[None], state.sign])[: self.n_lags],
            jnp.concatenate([type_of(outcome)[None], state.type])[: self.n_lags],
            state.subject,
        )

    def latents(self, state: HistoryState) -> dict[str, Float[Array, ""]]:
        return {"log_odds": self.log_odds(state)}
