"""Guides: the cognitive models towards the best of which a disRNN may be shrunk.

Each is fitted once for all subjects, without each fold of the trials and to all of them. The best
on what the folds held out, or one with fewer parameters that is as good, is the guide of a disRNN
that takes all subjects for one. It is then fitted with parameters of each subject's own (see
`likelihood.empirical_bayes`), and that fit is the guide of a disRNN that tells subjects apart,
where folds can judge whether that helps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray

from ...errors import ConfigError, DataError
from ...models.base import Model
from ...models.by_subject import BySubject
from ...models.catalogue import cognitive
from ...progress.threads import in_threads
from ...trials import Batch, Trials
from ...unrolling import choice_log_likelihood, unroll
from ..folds import TOLERANCE, paired_difference
from ..likelihood.empirical_bayes import most_probable_groups, subjects_apart
from ..likelihood.lbfgs import minimize_lbfgs
from ..likelihood.moments import moments
from ..likelihood.parameter_space import ParameterSpace, parameter_space
from .guide_kinds import GUIDES

MIN_SUBJECTS = 2
"""Fewer cannot differ from one another."""
MIN_SESSIONS = 2
"""Of a subject with fewer, folds cannot tell what is its own from what is the session's."""
BIAS = "bias"
"""Where no guide is ahead of this one by a standard error, there is nothing to copy but a bias."""
BY_SUBJECT = ", by subject"
"""What the name of a guide with each subject's own parameters ends with."""
PRIOR_VARIANCE = math.pi**2 / 3
"""Of a parameter with bounds, on its unconstrained scale: that of a logistic distribution, under
which a rate is uniform between 0 and 1. A few hundred trials may be most likely at a bound (a
critic that never learns), where the model is far below chance in sessions that went another way; a
few thousand trials outweigh this."""
FEWEST_STARTS, MOST_STARTS, TRIALS_PER_START = 4, 16, 300
"""See `starts_for`."""
CONVERGED = 1e-4
"""In nats of the whole log-likelihood: far below what tells two guides apart."""


def starts_for(trials: Trials) -> int:
    """Starts of each fit: one for every 300 scored trials, at least 4 and at most 16.

    With thousands of trials four starts miss the maximum of the richer models now and then. With
    hundreds, what more of them find is likelier only by chance: a model that fits these very
    sessions and is far below chance in others.
    """
    n_scored = int(trials.scored.sum())
    return min(max(n_scored // TRIALS_PER_START, FEWEST_STARTS), MOST_STARTS)


class Guide(NamedTuple):
    """The cognitive model that predicts held-out trials of the training sessions best.

    models: its fit without each fold, then its fit to all. apart: the same with parameters of each
    subject's own, None where folds cannot tell subjects apart. held_out: log likelihood
    (nats) of each session's trials under the fits that did not see them, of every model that was
    tried.
    """

    name: str
    models: list[Model]
    apart: list[Model] | None
    held_out: dict[str, Float[np.ndarray, " session"]]

    def name_for(self, embedding: int) -> str:
        """What a disRNN leans on that describes each subject by so many numbers."""
        return f"{self.name}{BY_SUBJECT}" if embedding and self.apart is not None else self.name

    def models_for(self, embedding: int) -> list[Model]:
        """The fits of that one."""
        return self.apart if embedding and self.apart is not None else self.models


def subjects_can_be_told_apart(trials: Trials) -> bool:
    """Whether there are two subjects or more with two sessions or more."""
    n_sessions = np.unique(trials.subject, return_counts=True)[1]
    return int((n_sessions >= MIN_SESSIONS).sum()) >= MIN_SUBJECTS


def best_guide(
    trials: Trials,
    folds: list[Bool[np.ndarray, "session trial"]],
    *,
    key: PRNGKeyArray,
    guides: Sequence[str] = tuple(GUIDES),
    n_starts: int | None = None,
) -> Guide:
    """Each guide fitted without each fold and to all, and the best on the folds (see `_taken`).

    folds: the trials that each fold holds out. key: draws the starts. guides: names of those that
    are tried; what does not suit the trials is left out. n_starts: of each fit, see `starts_for`.
    Raises ConfigError where none suits.
    """
    counted = np.stack([*(~fold for fold in folds), np.ones(trials.choice.shape, bool)])
    n_starts = n_starts or starts_for(trials)

    def fit(space: ParameterSpace) -> _Fits:
        return _pooled(space, trials, counted, key, n_starts)

    spaces = _spaces(guides, trials)
    fits = dict(zip(spaces, in_threads(fit, spaces.values()), strict=True))  # compiles, mostly
    held_out = {name: _held_out(fit.models, trials, folds) for name, fit in fits.items()}
    best = _taken(held_out, {name: len(space.places) for name, space in spaces.items()}, trials)
    apart: list[Model] | None = None
    if subjects_can_be_told_apart(trials) and fits[best].values.shape[1]:
        apart = _by_subject(fits[best], trials, counted)
        held_out[f"{best}{BY_SUBJECT}"] = _held_out(apart, trials, folds)
    return Guide(best, fits[best].models, apart, held_out)


def _taken(
    held_out: dict[str, Float[np.ndarray, " session"]], n_parameters: dict[str, int], trials: Trials
) -> str:
    """The guide with the fewest parameters that loses no more than `TOLERANCE` to the best one; a
    fixed bias where that is not ahead of it by a standard error."""
    best = max(held_out, key=lambda name: float(held_out[name].sum()))
    n_scored = trials.scored.sum(1)
    if BIAS in held_out:
        ahead, error = paired_difference(held_out[best], held_out[BIAS], n_scored)
        if ahead <= error:
            return BIAS
    near = [
        name for name, of_session in held_out.items()
        if paired_difference(held_out[best], of_session, n_scored)[0] <= TOLERANCE
    ]  # fmt: skip
    return min(near, key=lambda name: (n_parameters[name], -float(held_out[name].sum())))


def guide_of_all(
    guide: Guide,
    trials: Trials,
    *,
    by_subject: bool,
    key: PRNGKeyArray,
    n_starts: int = FEWEST_STARTS,
) -> Model:
    """The guide that was found on some of these sessions, fitted to all of them.

    by_subject: with parameters of each subject's own, where the guide has them.
    """
    counted = np.ones((1, *trials.choice.shape), bool)
    pooled = _pooled(_spaces([guide.name], trials)[guide.name], trials, counted, key, n_starts)
    if by_subject and guide.apart is not None:
        return _by_subject(pooled, trials, counted)[0]
    return pooled.models[0]


class _Fits(NamedTuple):
    """Pooled fits of one guide: unconstrained parameters, and models."""

    space: ParameterSpace
    values: Float[np.ndarray, "fit place"]
    models: list[Model]


def _spaces(names: Sequence[str], trials: Trials) -> dict[str, ParameterSpace]:
    """The guides that suit these trials. Raises ConfigError where none does."""
    entries, found = cognitive(), {}
    for name in names:
        kind = GUIDES[name]
        entry = entries[kind.model]
        if len(trials.names.outcomes) < entry.n_outcomes:
            continue
        space = parameter_space(
            entry.model_class, trials.n_choices, free=kind.free, fixed=dict(kind.fixed)
        )
        try:
            space.template.check_outcomes(trials)
        except DataError:
            continue
        found[name] = space
    if not found:
        raise ConfigError(
            f"None of selection.guides ({', '.join(names)}) suits these trials: add bias, which "
            "suits all."
        )
    return found


def _pooled(space, trials, counted, key, n_starts) -> _Fits:
    """The most probable parameters given the trials that count, for each set of them."""
    batch = trials.select_signals(()).batch(np.float64)
    with jax.enable_x64(True):
        found = most_probable_values(space, batch, counted, space.draw_starts(key, n_starts))
        models = [space.build(u, jnp.zeros(0), jnp.zeros(0)) for u in found]
    return _Fits(space, np.asarray(found), [_single_precision(m) for m in models])


def _by_subject(pooled: _Fits, trials: Trials, counted) -> list[Model]:
    """The same model with parameters of each subject's own."""
    nothing = jnp.zeros(0)
    with jax.enable_x64(True):
        batches = subjects_apart(trials, counted)
        groups = most_probable_groups(pooled.space, batches, jnp.asarray(pooled.values))
        build = jax.vmap(lambda u: pooled.space.build(u, nothing, nothing))
        models = [build(of_fit) for of_fit in groups.of_subject]
    return [BySubject(_single_precision(model)) for model in models]


def _held_out(
    models: list[Model], trials: Trials, folds: list[Bool[np.ndarray, "session trial"]]
) -> Float[np.ndarray, " session"]:
    """Log likelihood (nats) of each session's trials under the fits that did not see them."""
    batch, log_p = trials.batch(), np.zeros(trials.choice.shape)
    for fold, model in zip(folds, models, strict=False):
        logits = jnp.asarray(unroll(model, trials).choice_logits)
        log_p = np.where(fold, np.asarray(choice_log_likelihood(logits, batch)), log_p)
    return log_p.sum(1)


@eqx.filter_jit
def most_probable_values(
    space: ParameterSpace,
    batch: Batch,
    counted: Bool[Array | np.ndarray, "fit session trial"],
    starts: Float[Array, "start place"],
) -> Float[Array, "fit place"]:
    """The most probable parameters (unconstrained) given the trials that count, for each set.

        argmax log p(choices | u) - sum over bounded parameters (u - middle)^2 / (2 PRIOR_VARIANCE)

    middle: of the starting range. Parameters without bounds are in units of the user's: all of
    their values are alike. starts: unconstrained; the best end is taken.
    """
    middle = space.middle()
    bounded = np.isfinite([(p.low, p.high) for p in space.places]).any(-1)

    def most_probable(counted: Any) -> Any:
        seen = batch._replace(scored=batch.scored & counted)

        def cost(u):
            log_p = moments(space.build(u, jnp.zeros(0), jnp.zeros(0)), seen).log_p
            return jnp.where(bounded, (u - middle) ** 2, 0.0).sum() / (2 * PRIOR_VARIANCE) - log_p

        minima = jax.vmap(
            lambda u: minimize_lbfgs(cost, u, tolerance=CONVERGED, max_evaluations=200)
        )(starts)
        return minima.x[jnp.argmin(jnp.where(jnp.isnan(minima.value), jnp.inf, minima.value))]

    return jax.lax.map(most_probable, jnp.asarray(counted))


def _single_precision(model: Any) -> Any:
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x, np.float32)), model)
