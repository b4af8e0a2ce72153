"""Subjects that a model by subject was not fitted to: their most probable parameters.

    log p(data | u) - 1/2 sum of ((u - mean) / spread)^2

on the unconstrained scale, with mean and spread of the group that the known subjects were fitted
under (`priors`). Of a model fitted to choices, the choices say what its parameters are, and the
signals then what gain, offset and residual SD are; of a model fitted to signals, or to both, these
say all at once.
"""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from ...models.by_subject import BySubject, together
from ...models.catalogue import Target
from ...models.cognitive import CognitiveModel
from ...trials import Batch, Trials
from ..folds import without
from ..likelihood.lbfgs import minimize_lbfgs
from ..likelihood.moments import pad_batch
from ..likelihood.parameter_space import ParameterSpace
from .priors import GroupPrior, prior_over_subjects, space_of
from .terms import RegressionTerms, SignalScales, TrialTerms, predictions_along

TOLERANCE = 1e-5
"""In nats of a subject's log posterior."""
MAX_EVALUATIONS = 300


def with_newcomers(
    model: BySubject, names: list[str], trials: Trials, *, prior: GroupPrior | None = None,
    target: Target = "choice", counted: Bool[np.ndarray, " session"] | None = None,
) -> BySubject:  # fmt: skip
    """The same model, in which these subjects have parameters of their own.

    Args:
        model: with names, of a cognitive model; any other stays as it is.
        names: of the new subjects.
        trials: of theirs; a subject without a session stays one of the others.
        prior: mean and spread of each parameter, and of gain, offset and residual SD of each signal
            that is to be described; by default those of the parameters over the known subjects.
        target: what the model was fitted to.
        counted: whether each session counts; all do by default.
    """
    others = model.of(len(model.subjects))
    if not isinstance(others, CognitiveModel):
        return model
    prior = prior_over_subjects(model) if prior is None else prior
    space = space_of(others, prior)
    signals = [s for s in trials.names.signals if f"gain[{s}]" in prior]
    if target != "choice" and len(signals) < len(trials.names.signals):
        return model
    trials = trials.select_signals(signals)
    subject = [trials.names.subjects.index(name) for name in names]
    counted = np.ones(trials.n_sessions, bool) if counted is None else counted
    here = [i for i, of in enumerate(subject) if (counted & (trials.subject == of)).any()]
    if not here or not (space.free or signals):
        return model
    with jax.enable_x64(True):
        batches = _batches(trials, [subject[i] for i in here], counted)
        gains, offsets, own = _described(space, batches, prior, signals, target, others)
        build = eqx.filter_jit(jax.vmap(lambda *of: space.build(*of)))
        rows = build(own, gains, offsets)
    known = {name: model.of(name) for name in model.subjects}
    for row, i in enumerate(here):
        known[names[i]] = jax.tree.map(
            lambda x, row=row: jnp.asarray(np.asarray(x[row], np.float32)), rows
        )
    return together(known, others=others)


def _batches(trials: Trials, subjects: list[int], counted) -> Batch:
    """The sessions of each subject, padded to one shape: leaves [subject, session, ...].

    All sessions of a subject are there, so that what is compiled for some of them serves for
    others; of those that do not count, nothing is scored.
    """
    shape = trials.choice.shape
    whole = without(trials.batch(np.float64), np.broadcast_to(~counted[:, None], shape))
    whole = whole._replace(subject=np.zeros_like(whole.subject))
    each = [np.flatnonzero(trials.subject == of) for of in subjects]
    longest, n_trials = max(map(len, each)), trials.choice.shape[1]
    parts = [pad_batch(whole.at(at), longest, n_trials) for at in each]
    return jax.tree.map(lambda *x: np.stack(x), *parts)


def _described(
    space: ParameterSpace, batches: Batch, prior: GroupPrior, signals: list[str], target: Target,
    others: CognitiveModel,
) -> tuple[Array, Array, Array]:  # fmt: skip
    """Gain, offset and unconstrained parameters of each subject."""
    n = len(space.names)
    of_signals = [f"{p}[{s}]" for s in signals for p in ("gain", "offset", "residual_sd")]
    mean, spread = np.array([prior[name] for name in (*space.names, *of_signals)]).T
    spread = np.where(spread > 0, spread, 0.0)  # NaN too: nothing is known of how subjects differ
    one = jnp.ones(len(signals))
    unit = SignalScales(one, one, jnp.exp(jnp.asarray(mean[n + 2 :: 3])))
    mean[n + 2 :: 3] = 0.0  # log residual SD, in units of the group's
    mean, spread = jnp.asarray(mean), jnp.asarray(spread)
    if target != "choice":
        both = _by_trials(space, unit, batches, mean, spread, target)
        return both[:, n::3], both[:, n + 1 :: 3], both[:, :n]
    u = _by_trials(space, unit, batches, mean[:n], spread[:n], target)
    if not signals:
        rows = (len(u), 1)
        return jnp.tile(jnp.asarray(others.gain, float), rows), jnp.tile(
            jnp.asarray(others.offset, float), rows), u  # fmt: skip
    signal = _by_regression(space, unit, batches, u, mean[n:], spread[n:])
    return signal[:, ::3], signal[:, 1::3], u


@eqx.filter_jit
def _by_trials(
    space: ParameterSpace, unit: SignalScales, batches: Batch, mean: Float[Array, " place"],
    spread: Float[Array, " place"], target: Target,
) -> Float[Array, "subject place"]:  # fmt: skip
    def of_one(batch: Batch):
        terms = TrialTerms(space, batch, unit, 1, target)
        return _most_probable(terms.log_likelihood, mean, spread)

    return jax.vmap(of_one)(batches)


@eqx.filter_jit
def _by_regression(
    space: ParameterSpace, unit: SignalScales, batches: Batch, own: Float[Array, "subject place"],
    mean: Float[Array, " number"], spread: Float[Array, " number"],
) -> Float[Array, "subject number"]:  # fmt: skip
    def of_one(batch: Batch, u: Float[Array, " place"]):
        theta = jnp.broadcast_to(u[:, None], (len(u), batch.choice.shape[0]))
        _, x = predictions_along(space, theta, batch)
        terms = RegressionTerms(x, batch, unit, 1)
        return _most_probable(terms.log_likelihood, mean, spread)

    return jax.vmap(of_one)(batches, own)


def _most_probable(
    log_likelihood: Any, mean: Float[Array, " place"], spread: Float[Array, " place"]
) -> Float[Array, " place"]:
    """The parameters of one subject; the mean where the likelihood is not finite."""

    def cost(x: Any) -> Any:
        """x: less the mean, in spreads."""
        return 0.5 * (x**2).sum() - log_likelihood((mean + spread * x)[None]).sum()

    start = jnp.zeros_like(mean)
    found = minimize_lbfgs(
        cost, start, tolerance=TOLERANCE, max_evaluations=MAX_EVALUATIONS
    )  # fmt: skip
    return mean + spread * jnp.where(jnp.isfinite(found.value), found.x, 0.0)
