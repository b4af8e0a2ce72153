"""The interface of tasks: what a choice brings on each trial."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

TaskState = Any
"""A pytree of arrays from which the outcomes of the next trial are drawn."""

Draws = tuple[Float[Array, ""], ...]
"""Independent numbers from the open interval (0, 1)."""


class Task(eqx.Module):
    """A task, written for one trial; `simulate` maps it over trials and sessions.

    Chance enters as uniform random numbers, so the same state, choice and numbers give the same
    outcome. All methods must be pure and traceable by JAX.
    """

    @property
    @abc.abstractmethod
    def n_choices(self) -> int:
        """Number of actions."""

    @property
    @abc.abstractmethod
    def n_draws(self) -> int:
        """Number of uniform random numbers that `init` and each `step` get."""

    @property
    @abc.abstractmethod
    def outcome_names(self) -> tuple[str, ...]:
        """The kinds of outcome, in the order of the outcome columns."""

    @property
    @abc.abstractmethod
    def context_names(self) -> tuple[str, ...]:
        """Names of the numbers that `context` gives, in its order.

        The probability of an outcome is named `<outcome>_probability_<choice>`, or
        `<outcome>_probability` where it is the same for all choices, so that the analyses of credit
        find the schedule.
        """

    @abc.abstractmethod
    def init(self, uniform: Draws) -> TaskState:
        """The state at the first trial of a session.

        Args:
            uniform: `n_draws` new random numbers in (0, 1).
        """

    @abc.abstractmethod
    def step(
        self, state: TaskState, choice: Int[Array, ""], uniform: Draws
    ) -> tuple[Float[Array, " outcome"], TaskState]:
        """The outcomes of a trial, and the state at the next trial.

        Args:
            state: at this trial.
            choice: number of the choice made.
            uniform: `n_draws` new random numbers in (0, 1).
        """

    @abc.abstractmethod
    def context(self, state: TaskState) -> Float[Array, " context"]:
        """Numbers of this trial that do not depend on the choice, such as reward probabilities."""


def standard_normal(uniform: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Standard normal numbers from uniform ones in (0, 1), by the inverse distribution function."""
    return jnp.sqrt(2.0) * jax.lax.erf_inv(2.0 * uniform - 1.0)


def integer(uniform: Float[Array, ""], low: int, high: int) -> Int[Array, ""]:
    """An integer from `low` to `high` (included), each equally likely, from a number in (0, 1)."""
    n = high - low + 1
    return low + jnp.minimum(jnp.floor(uniform * n), n - 1).astype(jnp.int32)
