"""A gated recurrent network: how much of choices and signals could be predicted at all?"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from ..errors import ConfigError
from ..trials import Batch
from .base import Model, Unrolled
from .gru_loop.choose import fastest_along


class GRUState(NamedTuple):
    """The hidden units, and what describes the subject whose session this is."""

    hidden: Float[Array, " hidden"]
    subject: Float[Array, " embedding"]


class GRU(Model):
    """Gated recurrent unit (GRU) with linear read-outs of the choice and of the signals.

    x = [choice one-hot, outcomes, subject embedding]
    (reset, keep) = sigmoid(W x + U h + b);  new = tanh(W' x + b' + reset (U' h + c))
    h' = (1 - keep) new + keep h;  logits = V h + d
    signal = mean + scale (S [h, h', x] + s)

    The hidden units after the trial, h', are a function of state, choice and outcome, so reading
    them lets a signal depend on which value the outcome is compared with.

    n_choices, n_outcomes, n_signals: as in the trials. hidden: number of hidden units.
    n_subjects, embedding: each subject is described by `embedding` numbers; 0 for none.
    signal_mean, signal_scale: mean and SD of the signals, in their units; default 0 and 1. The
        network predicts standardised signals. Not to be trained.
    key: for the initial weights, uniform within 1 / sqrt(number of inputs); biases start at 0.
    Latents: `h_0`, `h_1`, ... Raises ConfigError when a size is out of range.
    Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.
    """

    w_input: Float[Array, "gates input"]
    w_hidden: Float[Array, "gates hidden"]
    b_input: Float[Array, " gates"]
    b_new: Float[Array, " hidden"]
    initial_hidden: Float[Array, " hidden"]
    embedding: Float[Array, "subject embedding"]
    w_choice: Float[Array, "choice hidden"]
    b_choice: Float[Array, " choice"]
    w_signal: Float[Array, "signal read"]
    b_signal: Float[Array, " signal"]
    signal_mean: Float[Array, " signal"]
    signal_scale: Float[Array, " signal"]

    def __init__(
        self,
        n_choices: int = 2,
        n_outcomes: int = 1,
        n_signals: int = 0,
        hidden: int = 16,
        n_subjects: int = 1,
        embedding: int = 0,
        *,
        signal_mean: Float[Array, " signal"] | None = None,
        signal_scale: Float[Array, " signal"] | None = None,
        key: PRNGKeyArray,
    ):
        sizes = {"n_choices": (n_choices, 2), "n_outcomes": (n_outcomes, 0), "hidden": (hidden, 1)}
        sizes |= {"n_signals": (n_signals, 0), "n_subjects": (n_subjects, 1)}
        for name, (value, least) in (sizes | {"embedding": (embedding, 0)}).items():
            if value < least:
                raise ConfigError(f"GRU: {name} is {value}; it must be at least {least}.")
        keys = jax.random.split(key, 5)
        n_inputs = n_choices + n_outcomes + embedding

        def weights(key: PRNGKeyArray, n_outputs: int, n: int) -> Array:
            bound = 1 / math.sqrt(max(n, 1))
            return jax.random.uniform(key, (n_outputs, n), minval=-bound, maxval=bound)

        self.w_input = weights(keys[0], 3 * hidden, n_inputs)
        self.w_hidden = weights(keys[1], 3 * hidden, hidden)
        self.b_input = jnp.zeros(3 * hidden)
        self.b_new = jnp.zeros(hidden)
        self.initial_hidden = jnp.zeros(hidden)
        self.embedding = 0.1 * jax.random.normal(keys[2], (n_subjects, embedding))
        self.w_choice = weights(keys[3], n_choices, hidden)
        self.b_choice = jnp.zeros(n_choices)
        self.w_signal = weights(keys[4], n_signals, 2 * hidden + n_inputs)
        self.b_signal = jnp.zeros(n_signals)
        self.signal_mean = jnp.zeros(n_signals) if signal_mean is None else signal_mean
        self.signal_scale = jnp.ones(n_signals) if signal_scale is None else signal_scale

    def __check_init__(self) -> None:
        n_hidden, n_inputs = self.b_new.shape[0], self.w_input.shape[1]
        needed = self.n_choices + self.embedding.shape[1]
        if n_inputs < needed:
            raise ConfigError(
                f"GRU: w_input has {n_inputs} columns; choices and subject need {needed} of them."
            )
        for name, found, needed in (
            ("rows of w_input", self.w_input.shape[0], 3 * n_hidden),
            ("columns of w_signal", self.w_signal.shape[1], 2 * n_hidden + n_inputs),
        ):
            if found != needed:
                raise ConfigError(
                    f"GRU: there are {found} {name}; {n_hidden} hidden units and {n_inputs} inputs "
                    f"need {needed}."
                )

    @property
    def n_choices(self) -> int:
        return self.b_choice.shape[-1]

    @property
    def n_signals(self) -> int:
        return self.b_signal.shape[-1]

    @property
    def n_subjects(self) -> int | None:
        return self.embedding.shape[0] if self.embedding.shape[1] else None

    def initial_state(self, subject: Int[Array, ""]) -> GRUState:
        return GRUState(self.initial_hidden, self.embedding[subject])

    def choice_logits(self, state: GRUState) -> Float[Array, " choice"]:
        return self.w_choice @ state.hidden + self.b_choice

    def signals(
        self, state: GRUState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        after = self.update(state, choice, outcome).hidden
        read = jnp.concatenate([state.hidden, after, self._input(state, choice, outcome)])
        return self.signal_mean + self.signal_scale * (self.w_signal @ read + self.b_signal)

    def update(
        self, state: GRUState, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> GRUState:
        h = state.hidden
        from_input = self.w_input @ self._input(state, choice, outcome) + self.b_input
        reset_x, keep_x, new_x = jnp.split(from_input, 3)
        reset_h, keep_h, new_h = jnp.split(self.w_hidden @ h, 3)
        reset, keep = jax.nn.sigmoid(reset_x + reset_h), jax.nn.sigmoid(keep_x + keep_h)
        new = jnp.tanh(new_x + reset * (new_h + self.b_new))
        return GRUState((1.0 - keep) * new + keep * h, state.subject)

    def latents(self, state: GRUState) -> dict[str, Float[Array, ""]]:
        return {f"h_{i}": state.hidden[i] for i in range(state.hidden.shape[0])}

    def unroll(self, batch: Batch) -> Unrolled:
        """As `Model.unroll`, all sessions at once: only `gru_loop` goes trial by trial."""
        choice, outcome, valid = (
            jnp.swapaxes(jnp.asarray(x), 0, 1) for x in (batch.choice, batch.outcome, batch.valid)
        )
        made = jax.nn.one_hot(jnp.where(valid, choice, 0), self.n_choices, dtype=outcome.dtype)
        subject = self.embedding[jnp.asarray(batch.subject)]
        seen = jnp.concatenate([made, outcome], axis=-1)

        def read(weights: Array) -> Array:
            """These weights times the input of every trial."""
            n_seen = seen.shape[-1]
            return seen @ weights[:, :n_seen].T + subject @ weights[:, n_seen:].T

        n_hidden = self.b_new.shape[0]
        initial = jnp.broadcast_to(self.initial_hidden, (len(subject), n_hidden))
        from_input = read(self.w_input) + self.b_input
        before, last = fastest_along(self.w_hidden, self.b_new, initial, from_input, valid)
        after = jnp.concatenate([before[1:], last[None]])
        logits = before @ self.w_choice.T + self.b_choice
        of_hidden, of_input = self.w_signal[:, : 2 * n_hidden], self.w_signal[:, 2 * n_hidden :]
        hidden = jnp.concatenate([before, after], axis=-1)
        standardised = hidden @ of_hidden.T + read(of_input) + self.b_signal
        signals = self.signal_mean + self.signal_scale * standardised
        signals = jnp.where(valid[..., None], signals, 0.0)
        latents = {f"h_{i}": before[..., i].T for i in range(n_hidden)}
        return Unrolled(jnp.swapaxes(logits, 0, 1), jnp.swapaxes(signals, 0, 1), latents)

    def _input(self, state: GRUState, choice: Array, outcome: Array) -> Float[Array, " input"]:
        made = jax.nn.one_hot(choice, self.n_choices, dtype=outcome.dtype)
        return jnp.concatenate([made, outcome, state.subject])
