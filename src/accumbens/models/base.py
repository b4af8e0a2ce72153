"""The one abstraction: a recurrent map from past trials to the next choice and a neural signal.

What generates choices and what is fitted to them are the same thing, so simulation, scoring,
fitting and comparison are each written once, against this interface.
"""

from __future__ import annotations

import abc
import dataclasses
from collections import OrderedDict
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Int

from ..errors import ConfigError, DataError, expect
from ..summary import Summary, counted, listed, number, sizes, summarized
from ..trials import Batch, Trials

State = Any
"""A pytree of arrays: all that a model remembers of one session's past trials."""


@summarized
class Unrolled(NamedTuple):
    """A model's answer to every trial of a batch, each given the trials before it only.

    choice_logits: log-odds of each choice before the choice on that trial, up to a constant.
    signals: predicted signal on that trial, given state, choice and outcome; 0 on missed trials.
    latents: the model's named variables: those of the state before the trial, and those that
        arise with the outcome (`prediction_error`), the latter NaN on missed trials.
    """

    choice_logits: Float[Array, "session trial choice"]
    signals: Float[Array, "session trial signal"]
    latents: dict[str, Float[Array, "session trial"]]

    def _summary(self) -> Summary | None:
        arrays = (self.choice_logits, self.signals, *self.latents.values())
        if not all(isinstance(x, np.ndarray) or _is_concrete(x) for x in arrays):
            return None
        facts = [
            ("choice_logits", sizes(self.choice_logits, "session", "trial", "choice")),
            ("signals", sizes(self.signals, "session", "trial", "signal")),
            ("latents", f"{listed(list(self.latents))}; each a number a trial"),
        ]
        return Summary("Unrolled: a model's answer to every trial", facts)


@summarized
class Model(eqx.Module):
    """One session's recurrent map, written for one trial; `unroll` maps it over all.

    Time order on trial t: `choice_logits(z_t)`, then the outcome, then `signals(z_t, choice_t,
    outcome_t)`, then `z_{t+1} = update(z_t, choice_t, outcome_t)`. A session starts from
    `initial_state`. All methods must be pure and traceable by JAX.
    """

    @property
    @abc.abstractmethod
    def n_choices(self) -> int:
        """Number of actions."""

    @property
    @abc.abstractmethod
    def n_signals(self) -> int:
        """Number of neural signals predicted; 0 for a model of choices alone."""

    @property
    def name(self) -> str:
        """What messages and summaries call the model."""
        return type(self).__name__

    @property
    def n_subjects(self) -> int | None:
        """How many subjects the model tells apart; None if all are the same to it."""
        return None

    @abc.abstractmethod
    def initial_state(self, subject: Int[Array, ""]) -> State:
        """z_1, the state before the first trial of a session of that subject."""

    @abc.abstractmethod
    def choice_logits(self, state: State) -> Float[Array, " choice"]:
        """Log-odds of each choice on the coming trial, up to a constant."""

    @abc.abstractmethod
    def signals(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        """Predicted signals on this trial, in the signals' own units."""

    @abc.abstractmethod
    def update(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> State:
        """The state after this trial's choice and outcome."""

    @abc.abstractmethod
    def latents(self, state: State) -> dict[str, Float[Array, ""]]:
        """Named variables of the state, in the order in which tables show them."""

    def outcome_latents(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> dict[str, Float[Array, ""]]:
        """Named variables that arise with the outcome, such as the prediction error; often none."""
        del state, choice, outcome
        return {}

    def subject_numbers(self, trials: Trials) -> Int[np.ndarray, " session"]:
        """The number under which the model knows the subject of each session.

        Raises DataError when it tells subjects apart and has fewer than the trials.
        """
        known = self.n_subjects
        if known is not None and trials.subject.max() >= known:
            unknown = trials.names.subjects[int(trials.subject.max())]
            raise DataError(
                f"The model has {known} subjects, but these trials have more, such as {unknown!r}. "
                "Fit it to all subjects, or without a subject embedding."
            )
        return trials.subject

    def check_outcomes(self, trials: Trials) -> None:
        """Raises DataError when the outcomes of `trials` are not such as the model is made for."""
        del trials

    def _summary(self) -> Summary | None:
        leaves = jax.tree.leaves(self)
        if not leaves or not all(map(_is_concrete, leaves)):
            return None
        try:
            sizes = [counted(self.n_choices, "choice"), counted(self.n_signals, "signal")]
            if self.n_subjects is not None:
                sizes.append(counted(self.n_subjects, "subject"))
            return Summary(f"{self.name}: {', '.join(sizes)}", self._facts())
        except (AttributeError, TypeError):  # some arrays were taken out of the model
            return None

    def _facts(self) -> list[tuple[str, str]]:
        """What a summary says of the model besides: its parameters."""
        fields = [(f.name, getattr(self, f.name)) for f in dataclasses.fields(self)]
        return [(name, number(x)) for name, x in fields if eqx.is_array(x) and x.size]

    def unroll(self, batch: Batch) -> Unrolled:
        """The model along every session of `batch`; the plain scan, which is the specification.

        A model may override this with a faster way to the same numbers.
        """
        return jax.vmap(self._unroll_session)(
            jnp.asarray(batch.choice),
            jnp.asarray(batch.outcome),
            jnp.asarray(batch.valid),
            jnp.asarray(batch.subject),
        )

    def _unroll_session(self, choice, outcome, valid, subject) -> Unrolled:
        def trial(state, x):
            choice, outcome, valid = x
            made = jnp.where(valid, choice, 0)
            logits = self.choice_logits(state)
            signals = jnp.where(valid, self.signals(state, made, outcome), 0.0)
            arising = self.outcome_latents(state, made, outcome)
            latents = OrderedDict(self.latents(state))  # JAX would sort the keys of a plain dict
            latents |= {name: jnp.where(valid, value, jnp.nan) for name, value in arising.items()}
            moved = self.update(state, made, outcome)
            state = jax.tree.map(lambda new, old: jnp.where(valid, new, old), moved, state)
            return state, Unrolled(logits, signals, latents)

        return jax.lax.scan(trial, self.initial_state(subject), (choice, outcome, valid))[1]


def _is_concrete(leaf: Any) -> bool:
    """Whether a leaf is an array with numbers in it, not one that is traced."""
    return eqx.is_array(leaf) and not isinstance(leaf, Tracer)


def refuse_class(model: object) -> None:
    """Raises ConfigError for a class that is given where a model is needed."""
    if isinstance(model, type):
        name = model.__name__
        raise ConfigError(
            f"{name} is a class, not a model. Make a model of it: {name}(...) with its parameters, "
            "or fit_maximum_likelihood(...).model."
        )
    expect(model, Model, "model", "Give a model, such as accumbens.QLearning(0.3, 2.0), or a "
           "fitted one (load_run(folder).model(name)), not its name.")  # fmt: skip
