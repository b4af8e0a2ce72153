"""Subjects that a model was not fitted to: what describes them to it.

One function for each kind of model, found by its class (`describe_new_subjects`): a model without
anything of a subject's own stays as it is; embeddings get rows for the new subjects, and nothing
else changes. Without sessions of their own, new subjects are described by the mean of the known
ones; with sessions, by the most probable numbers e under

    log p(choices | e) - 1/2 sum over signals, trials of (standardised signal error)^2
    - 1/2 sum of ((e - mean) / sd)^2

with mean and standard deviation over the known subjects, weighted by their trials. So few sessions
change little, and none give the mean. Where the known subjects are alike, so are the new ones.
Cognitive models by subject have mean and spread of their group instead (`group.priors`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from ..errors import ConfigError, DataError
from ..models.base import Model
from ..models.by_subject import BySubject
from ..models.catalogue import Target
from ..models.disrnn import DisRNN
from ..models.gru import GRU
from ..trials import Batch, Trials
from ..unrolling import choice_log_likelihood, squared_signal_errors
from .folds import without
from .group.means import MeansGroup, with_new_means
from .group.newcomers import with_newcomers
from .group.priors import GroupPrior
from .likelihood.lbfgs import minimize_lbfgs

TOLERANCE = 1e-3
"""In nats of all trials of the new subjects together: far below what tells two descriptions
apart, and about what single precision can tell of thousands of trials."""
MAX_EVALUATIONS = 100
SMALLEST_SD = 1e-6
"""Of the numbers of the known subjects: instead of 0, by which nothing can be divided."""


class Newcomers(NamedTuple):
    """Who is to be described, and from what.

    Attributes:
        numbers: of the new subjects among `names.subjects` of their trials.
        n_subjects: how many subjects the model is to know in the end.
        weight: of each subject that the model has a description of, by number: its share of the
            trials that were fitted; 0 for those that were not; sum 1.
        sessions: of new subjects alone, with signals in the units of the model; None to describe
            them by the mean.
        counted: whether each of these sessions counts; all do by default. What is compiled for
            some of them serves for others.
        prior: of a model by subject, what its group says of a subject beforehand; None takes mean
            and SD over the parameters of the known subjects.
        target: what such a model was fitted to.
    """

    numbers: Int[np.ndarray, " new"]
    n_subjects: int
    weight: Float[np.ndarray, " subject"]
    sessions: Trials | None
    counted: Bool[np.ndarray, " session"] | None = None
    prior: GroupPrior | MeansGroup | None = None
    target: Target = "choice"

    @property
    def trials(self) -> Trials | None:
        """The sessions that count; None without any."""
        if self.sessions is None or self.counted is None:
            return self.sessions
        return self.sessions.select_sessions(np.flatnonzero(self.counted)) if self.any else None

    @property
    def any(self) -> bool:
        """Whether any session counts."""
        return self.sessions is not None and (self.counted is None or bool(self.counted.any()))

    def batch(self) -> Batch:
        """The numbers of all sessions; of those that do not count, nothing is scored."""
        assert self.sessions is not None
        batch = self.sessions.batch()
        if self.counted is None:
            return batch
        left_out = np.broadcast_to(~self.counted[:, None], self.sessions.choice.shape)
        return without(batch, left_out)


@functools.singledispatch
def describe_new_subjects(model: Model, who: Newcomers) -> Model:
    """The same model, which knows the new subjects.

    Args:
        model: of any kind.
        who: the new subjects.

    Returns:
        The model, with `who.n_subjects` subjects where it tells subjects apart.

    Raises:
        ConfigError: this kind of model tells subjects apart, and nothing is known of how to
            describe a new one.
        DataError: no known subject has a weight.
    """
    if model.n_subjects is None:
        return model
    raise _no_way(model)


@describe_new_subjects.register
def _(model: DisRNN, who: Newcomers) -> Model:
    described = eqx.tree_at(
        lambda m: [m.core.embedding, m.signal_networks.embedding],
        model,
        [_with_rows(part.embedding, who) for part in (model.core, model.signal_networks)],
    )
    described = _fitted(described, _of_core, _choice_nats, who)
    return _fitted(described, _of_signals, _signal_cost, who) if model.n_signals else described


@describe_new_subjects.register
def _(model: GRU, who: Newcomers) -> Model:
    described = eqx.tree_at(lambda m: m.embedding, model, _with_rows(model.embedding, who))
    return _fitted(described, _of_gru, _both_costs, who)


@describe_new_subjects.register
def _(model: BySubject, who: Newcomers) -> Model:
    if not model.subjects:
        raise _no_way(model)
    if who.sessions is None or not who.any:
        return model
    names, counted = who.sessions.names.subjects, who.counted
    new = [names[i] for i in who.numbers]
    counted = np.ones(who.sessions.n_sessions, bool) if counted is None else counted
    if isinstance(who.prior, MeansGroup):
        return with_new_means(model, new, who.sessions, who.prior, counted)
    return with_newcomers(
        model, new, who.sessions, prior=who.prior, target=who.target, counted=counted
    )


def _no_way(model: Model) -> ConfigError:
    return ConfigError(
        f"The model {type(model).__name__} has parameters for each of its subjects, and cannot "
        "describe new ones. Leave it out (--models), or leave out the new subjects."
    )


Where = Callable[[Any], Any]
Cost = Callable[[Any, Batch], Array]


def _of_core(model: DisRNN) -> Any:
    return model.core.embedding


def _of_signals(model: DisRNN) -> Any:
    return model.signal_networks.embedding


def _of_gru(model: GRU) -> Any:
    return model.embedding


def _choice_nats(model: Model, batch: Batch) -> Array:
    return -choice_log_likelihood(model.unroll(batch).choice_logits, batch).sum()


def _signal_cost(model: DisRNN, batch: Batch) -> Array:
    errors = squared_signal_errors(model.unroll(batch).signals, batch)
    return 0.5 * (errors / model.signal_units.scale**2).sum()


def _both_costs(model: GRU, batch: Batch) -> Array:
    said = model.unroll(batch)
    errors = squared_signal_errors(said.signals, batch) / model.signal_scale**2
    return 0.5 * errors.sum() - choice_log_likelihood(said.choice_logits, batch).sum()


def _with_rows(numbers: Float[Array, "subject number"], who: Newcomers) -> Array:
    """Rows for all subjects; those of the new ones are the mean of the known ones'."""
    if not numbers.shape[1]:
        return jnp.zeros((who.n_subjects, 0), numbers.dtype)
    mean, _ = _spread(numbers, who)
    more = jnp.broadcast_to(mean, (who.n_subjects - len(numbers), numbers.shape[1]))
    return jnp.concatenate([numbers, more]).at[jnp.asarray(who.numbers)].set(mean)


def _spread(numbers: Array, who: Newcomers) -> tuple[Array, Array]:
    """Weighted mean and standard deviation of the known subjects' numbers."""
    weight = np.zeros(len(numbers))
    weight[: len(who.weight)] = who.weight[: len(numbers)]
    if not weight.sum() > 0:
        raise DataError(
            "No subject of the run was fitted, so nothing describes a new one. Fit the run again."
        )
    weight /= weight.sum()
    known = np.asarray(numbers, np.float64)
    mean = weight @ known
    freedom = max(1.0 - float((weight**2).sum()), 1e-9)  # unbiased, as n - 1 for equal weights
    variance = weight @ (known - mean) ** 2 / freedom
    sd = np.maximum(np.sqrt(variance), SMALLEST_SD)
    return jnp.asarray(mean, numbers.dtype), jnp.asarray(sd, numbers.dtype)


def _fitted(model: Any, where: Where, cost: Cost, who: Newcomers) -> Any:
    """The model with the most probable rows of the new subjects, where there are sessions."""
    if not who.any or not where(model).shape[1]:
        return model
    batch = jax.tree.map(jnp.asarray, who.batch())
    mean, sd = _spread(where(model), who)
    return _most_probable(model, where, cost, batch, jnp.asarray(who.numbers), mean, sd)


@eqx.filter_jit
def _most_probable(
    model: Any, where: Where, cost: Cost, batch: Batch, numbers: Array, mean: Array, sd: Array
) -> Any:
    def with_rows(x: Array) -> Any:
        """x: numbers less the mean, in standard deviations."""
        rows = mean + sd * x.reshape(len(numbers), -1)
        return eqx.tree_at(where, model, where(model).at[numbers].set(rows))

    def total(x: Array) -> Array:
        return cost(with_rows(x), batch) + 0.5 * (x**2).sum()

    start = jnp.zeros(numbers.size * mean.size, mean.dtype)
    found = minimize_lbfgs(total, start, tolerance=TOLERANCE, max_evaluations=MAX_EVALUATIONS)
    return with_rows(jnp.where(jnp.isfinite(found.value), found.x, start))
