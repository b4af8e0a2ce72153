"""The worlds in which models choose: what a choice brings on each trial."""

from __future__ import annotations

import abc
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

TaskState = Any
"""A pytree of arrays: all that decides what the choices of the coming trial would bring."""

Draws = tuple[Float[Array, ""], ...]
"""Independent numbers from the open interval (0, 1)."""


class Task(eqx.Module):
    """One session of a task, written for one trial; `simulate` maps it over trials and sessions.

    Chance enters as uniform numbers, so a task is a plain function: the same state, choice and
    numbers give the same outcome. All methods must be pure and traceable by JAX.
    """

    @property
    @abc.abstractmethod
    def n_choices(self) -> int:
        """Number of actions."""

    @property
    @abc.abstractmethod
    def n_draws(self) -> int:
        """How many uniform numbers `init` and each `step` are given."""

    @property
    @abc.abstractmethod
    def outcome_names(self) -> tuple[str, ...]:
        """The kinds of outcome, in the order of the outcome columns."""

    @property
    @abc.abstractmethod
    def context_names(self) -> tuple[str, ...]:
        """What `context` reports, in its order."""

    @abc.abstractmethod
    def init(self, uniform: Draws) -> TaskState:
        """The state at the first trial of a session. uniform: `n_draws` fresh numbers."""

    @abc.abstractmethod
    def step(
        self, state: TaskState, choice: Int[Array, ""], uniform: Draws
    ) -> tuple[Float[Array, " outcome"], TaskState]:
        """The outcome of this trial's choice, and the state at the next trial.

        uniform: `n_draws` fresh numbers.
        """

    @abc.abstractmethod
    def context(self, state: TaskState) -> Float[Array, " context"]:
        """What holds on this trial whatever is chosen, such as each arm's reward probability."""


def standard_normal(uniform: Float[Array, "*shape"]) -> Float[Array, "*shape"]:
    """Numbers in (0, 1) to standard normal ones, by the inverse distribution function."""
    return jnp.sqrt(2.0) * jax.lax.erf_inv(2.0 * uniform - 1.0)


def integer(uniform: Float[Array, ""], low: int, high: int) -> Int[Array, ""]:
    """A number in (0, 1) to an integer from `low` to `high`, both included, all as likely."""
    n = high - low + 1
    return low + jnp.minimum(jnp.floor(uniform * n), n - 1).astype(jnp.int32)
