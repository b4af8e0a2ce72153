"""The baseline without memory with means of each subject's own, as they are or drawn to a group."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from ...models.by_subject import BySubject, together
from ...models.naive import Naive
from ...trials import Trials
from .normal_group import Expansion, NormalGroup, fitted_group, posterior

N_SWEEPS = 200


class MeansGroup(NamedTuple):
    """How means differ: variances of each kind of trial (outcome; last, all) and signal.

    Attributes:
        within: over trials of a subject, in the unit of the signal, squared.
        between: over subjects; infinite where their means are not drawn to those of a group.
    """

    within: Float[np.ndarray, "kind signal"]
    between: Float[np.ndarray, "kind signal"]


def naive_by_subject(trials: Trials, *, shrink: bool) -> tuple[BySubject, MeansGroup]:
    """The signals' means after each outcome (of all trials where outcomes have too many values), of
    each subject's own; of others, those of the group. And how these means differ.

    Args:
        trials: of all subjects.
        shrink: whether the means of the subjects are drawn to those of the group, each by as much
            as its error is large beside the spread over subjects; otherwise a mean that a subject
            lacks is that of all trials.

    Raises:
        DataError: as of `Naive.from_trials`.
    """
    whole = Naive.of_outcomes_or_mean(trials)
    patterns = np.asarray(whole.patterns)
    outcome = trials.outcome.astype(np.float32)
    after = [trials.scored & (outcome == pattern).all(-1) for pattern in patterns]
    kinds = [*after, trials.scored]
    pooled = np.concatenate([np.asarray(whole.pattern_signal), np.asarray(whole.mean_signal)[None]])
    own, counts, squares = _means(trials, kinds)
    within = (squares * counts).sum(0) / np.maximum(counts.sum(0), 1)
    within = np.maximum(within, 1e-12)
    if shrink:
        own, others, between = _shrunk(own, counts, within, pooled.astype(np.float64))
    else:
        own, others = np.where(counts > 0, own, pooled), pooled
        between = np.full_like(within, np.inf)
    models = {name: _naive(whole, own[i]) for i, name in enumerate(trials.names.subjects)}
    return together(models, others=_naive(whole, others)), MeansGroup(within, between)


def with_new_means(
    model: BySubject, names: list[str], trials: Trials, group: MeansGroup,
    counted: Bool[np.ndarray, " session"],
) -> BySubject:  # fmt: skip
    """The same means, and those of new subjects, drawn to the group's as far as their errors are
    large beside the spread over subjects.

    Args:
        model: of `naive_by_subject`.
        names: of the new subjects.
        trials: of theirs, with the signals of the model.
        group: how means differ.
        counted: whether each session counts.
    """
    others = model.of(len(model.subjects))
    outcome = trials.outcome.astype(np.float32)
    after = [(outcome == np.asarray(pattern)).all(-1) for pattern in others.patterns]
    told = trials.scored & counted[:, None]
    own, counts, _ = _means(trials, [*(kind & told for kind in after), told])
    mean = np.concatenate([others.pattern_signal, others.mean_signal[None]]).astype(np.float64)
    inverse = 1 / np.maximum(group.between, 1e-300)
    known = {name: model.of(name) for name in model.subjects}
    for name in names:
        i = trials.names.subjects.index(name)
        precision = counts[i] / group.within
        pull = np.where(counts[i] > 0, precision * own[i] + inverse * mean, mean)
        total = np.where(counts[i] > 0, precision + inverse, 1.0)
        known[name] = _naive(others, pull / total)
    return together(known, others=others)


def _naive(whole: Naive, means: Float[np.ndarray, "kind signal"]) -> Naive:
    means = means.astype(np.float32)
    return Naive(whole.patterns, jnp.asarray(means[:-1]), jnp.asarray(means[-1]), whole.n_choices)


def _means(trials: Trials, kinds: list[Bool[np.ndarray, "session trial"]]):
    """Mean (0 without trials), number of trials and variance of each subject's signals: leaves
    [subject, kind, signal]."""
    shape = (len(trials.names.subjects), len(kinds), len(trials.names.signals))
    mean, count, variance = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for i in range(shape[0]):
        of_subject = (trials.subject == i)[:, None]
        for k, kind in enumerate(kinds):
            chosen = (of_subject & kind)[..., None] & trials.measured
            values = np.where(chosen, trials.signal, np.nan)
            count[i, k] = n = chosen.sum((0, 1))
            mean[i, k] = np.nansum(values, axis=(0, 1)) / np.maximum(n, 1)
            away = np.where(chosen, trials.signal - mean[i, k], 0.0)
            variance[i, k] = (away**2).sum((0, 1)) / np.maximum(n - 1, 1)
    return mean, count, variance


def _shrunk(own, counts, within, pooled):
    """Means of subjects under their group, the group's, and their variance over subjects."""
    shape = own.shape
    with jax.enable_x64(True):
        told = jnp.asarray((counts / within).reshape(shape[0], -1))
        scale = jnp.asarray(np.sqrt(within).ravel())
        information = jax.vmap(jnp.diag)(told)
        at = jnp.asarray(own.reshape(shape[0], -1))
        near = Expansion(at, jnp.zeros_like(at), information)
        start = jnp.asarray(pooled.ravel())
        first = NormalGroup(start, 0.1 * scale**2, start, scale)
        group = fitted_group(first, near, N_SWEEPS)
        means, _ = posterior(group, near)
    of_group = (np.asarray(x).reshape(shape[1:]) for x in (group.mean, group.variance))
    return np.asarray(means).reshape(shape), *of_group
