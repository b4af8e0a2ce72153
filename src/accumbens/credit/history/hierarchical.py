"""The trial-history regression of every animal under the group that all come from.

    w_i ~ Normal(mean, diag(spread^2)),   log p(1)/p(0) = x w_i

One spread for the bias and one for the weights of each outcome type, whatever the lag: a ridge
towards the group's mean whose strength is estimated. By empirical Bayes: the animals' log
likelihoods are expanded at their most probable weights; of these expansions the mean is the
generalised least squares estimate, and each spread the restricted maximum likelihood one,

    spread^2 = sum_ik (w_ik - m_k)^2 / (number of w_ik - sum_ik var(w_ik - m_k) / spread^2)

Sources: Laird & Ware (1982), Biometrics 38:963; MacKay (1992), Neural Comput 4:415 (the update of
the spread).
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ...errors import DataError
from ...models.history import HistoryRegression
from ...scoring.intervals import normal_quantile, student_quantile
from ...summary import Summary, counted, number, summarized
from ...trials import Trials
from .design import HistoryData, history_data
from .fitted import HistoryFit, as_model
from .newton import independent_columns

if TYPE_CHECKING:
    import pandas as pd

MIN_SUBJECTS = 2
FIRST_SPREAD, LEAST_SPREAD = 0.5, 0.01
"""In log-odds: where the search begins, and what stands for animals that are all alike."""
WEAK = 5.0
"""SD of what is known of the group's mean beforehand, in log-odds: a weight that no animal tells
stays finite."""
MAX_PASSES, SWEEPS, TOLERANCE = 200, 10, 1e-5


class _Animal(NamedTuple):
    design: Float[np.ndarray, "scored kept"]
    response: Float[np.ndarray, " scored"]


class _Group(NamedTuple):
    """Mean of the weights, its covariance, and the variance over animals of each weight."""

    mean: Float[np.ndarray, " kept"]
    covariance: Float[np.ndarray, "kept kept"]
    variance: Float[np.ndarray, " kept"]


@summarized
@dataclasses.dataclass(frozen=True)
class HierarchicalHistory:
    """The regression of each animal, drawn to the group's by as much as its trials are few.

    Attributes:
        fits: of each animal, in the order of `trials.names.subjects`. Covariances are those of the
            posterior, with the error of the group's mean.
        mean: weights of the group, in log-odds; NaN where a column was left out.
        standard_error: of the mean, over animals.
        spread: SD over animals of the bias, and of the weights of each outcome type; 0 where
            animals differ by no more than their errors.
        warnings: what a reader must know.
    """

    fits: tuple[HistoryFit, ...]
    mean: Float[np.ndarray, " weight"]
    standard_error: Float[np.ndarray, " weight"]
    spread: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def model(self) -> HistoryRegression:
        """All animals as one model, in the order of `fits`, to simulate or score."""
        return as_model(self.fits, [fit.subject for fit in self.fits])

    @property
    def in_words(self) -> str:
        """How animals differ, in a sentence."""
        said = ", ".join(f"{name} {number(spread)}" for name, spread in self.spread.items())
        return (
            f"History regression of {counted(len(self.fits), 'animal')} under their group: the "
            f"spread (SD) over animals of the weights, in log-odds, is {said}."
        )

    def _summary(self) -> Summary:
        title = (
            f"History regression of {counted(len(self.fits), 'subject')}, hierarchical: "
            f"{counted(self.fits[0].data.n_lags, 'lag')}"
        )
        heads = ["outcome", "spread over subjects (log-odds)"]
        rows = [[name, number(spread)] for name, spread in self.spread.items()]
        return Summary(title, [], [heads, *rows], self.warnings)

    def to_frame(self) -> pd.DataFrame:
        """One row a weight of each animal, then of the group (subject "group").

        Returns:
            A table with columns subject, outcome, lag (0 for the bias), weight, standard_error,
            low, high (95 % interval: of the group over animals by Student's t, of an animal under
            the group), spread; in log-odds.
        """
        import pandas as pd

        data = self.fits[0].data
        names, lags = data.type_names, data.n_lags
        outcome = ["bias", *np.repeat(names, lags)]
        quantiles = [normal_quantile()] * len(self.fits)
        quantiles.append(float(student_quantile(len(self.fits) - 1)))
        values = [(fit.subject, fit.weights, fit.standard_error) for fit in self.fits]
        parts = [
            pd.DataFrame({
                "subject": subject, "outcome": outcome,
                "lag": [0, *np.tile(np.arange(1, lags + 1), len(names))],
                "weight": weights, "standard_error": error,
                "low": weights - quantile * error, "high": weights + quantile * error,
                "spread": [self.spread[name] for name in outcome],
            })
            for (subject, weights, error), quantile in zip(
                [*values, ("group", self.mean, self.standard_error)], quantiles, strict=True
            )
        ]  # fmt: skip
        return pd.concat(parts, ignore_index=True)


def hierarchical_history(trials: Trials, n_lags: int = 10) -> HierarchicalHistory:
    """The trial-history regression of each animal under the group that all come from.

    The regression is that of `fit_history`; the prior is a normal distribution over animals whose
    mean and spreads are found from all of them. It stands beside `fit_history` (each animal by
    itself) and `pooled_history` (one for all).

    Args:
        trials: of at least two animals, with two choices and outcomes of 0 and 1.
        n_lags: past choices that the regression looks back.

    Returns:
        The regression of each animal under the group, and the group's weights and spreads.

    Raises:
        ConfigError: `n_lags` is below 1.
        DataError: there is one animal, or the trials cannot be regressed (see `history_data`).

    Source:
        Laird & Ware (1982), Biometrics 38:963; Huys et al. (2011), PLoS Comput Biol 7:e1002028.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agents = [accumbens.QLearning(rate, 3.0) for rate in (0.4, 0.5, 0.6)]
        >>> task, key = accumbens.ReversalBandit(), jax.random.key(0)
        >>> trials = accumbens.simulate_cohort(agents, task, n_sessions=2, n_trials=200, key=key)
        >>> found = accumbens.credit.hierarchical_history(trials, n_lags=2)
        >>> list(found.spread)
        ['bias', 'none', 'reward']
    """
    present = np.unique(trials.subject)
    if len(present) < MIN_SUBJECTS:
        raise DataError(
            f"A hierarchical history regression needs at least {MIN_SUBJECTS} subjects, and these "
            f"trials have {len(present)}. Use fit_history, or --animals separate."
        )
    each = [history_data(trials, n_lags, np.flatnonzero(trials.subject == s)) for s in present]
    designs = [data.design() for data in each]
    names, notes = np.array(each[0].column_names), ()
    kept = independent_columns(np.concatenate(designs))
    if not kept.all():
        notes = (
            "Left out of the hierarchical regression, since no subject tells them apart from "
            f"others: {', '.join(names[~kept])}.",
        )
    animals = [_Animal(x[:, kept], data.response) for x, data in zip(designs, each, strict=True)]
    kind = np.array([0, *np.repeat(np.arange(1, 1 + len(each[0].type_names)), n_lags)])
    group, weights, covariances, settled = _fitted(animals, kind[kept])
    if not settled:
        notes += (f"The group had not settled after {MAX_PASSES} passes. Use fewer lags.",)
    labels = ("bias", *each[0].type_names)
    sd = np.sqrt(group.variance)
    spread = {
        label: float(sd[kind[kept] == i][0]) if (kind[kept] == i).any() else np.nan
        for i, label in enumerate(labels)
    }
    spread = {k: 0.0 if v <= LEAST_SPREAD * 1.0001 else v for k, v in spread.items()}
    fits = tuple(
        _as_fit(trials.names.subjects[s], data, animal, kept, w, c)
        for s, data, animal, w, c in zip(present, each, animals, weights, covariances, strict=True)
    )
    mean, error = np.full(len(names), np.nan), np.full(len(names), np.nan)
    mean[kept], error[kept] = group.mean, np.sqrt(np.diag(group.covariance))
    return HierarchicalHistory(fits, mean, error, spread, notes)


def _as_fit(
    subject: str, data: HistoryData, animal: _Animal, kept: np.ndarray,
    weights: Float[np.ndarray, " kept"], covariance: Float[np.ndarray, "kept kept"],
) -> HistoryFit:  # fmt: skip
    n = len(kept)
    everywhere, of_all = np.full(n, np.nan), np.full((n, n), np.nan)
    everywhere[kept], of_all[np.ix_(kept, kept)] = weights, covariance
    return HistoryFit(
        subject, data, everywhere, of_all, _log_likelihood(animal, weights), 0.0, (), None,
        np.zeros(n, bool), "group",
    )  # fmt: skip


def _fitted(animals: list[_Animal], kind: Int[np.ndarray, " kept"]):
    """The group, each animal's weights and posterior covariance, and whether they settled.

    kind: of each weight, by which it shares its spread.
    """
    n_weights = len(kind)
    weights = np.zeros((len(animals), n_weights))
    zero = np.zeros(n_weights)
    group = _Group(zero, np.diag(zero), np.full(n_weights, FIRST_SPREAD**2))
    settled = False
    for _ in range(MAX_PASSES):
        before, old = group, weights
        told, information = _expanded(animals, weights)
        for _ in range(SWEEPS):
            group, probable, covariance = _swept(group, told, information, kind)
        weights = np.stack([
            _towards(animal, w, new, group)
            for animal, w, new in zip(animals, weights, probable, strict=True)
        ])  # fmt: skip
        moved = max(
            np.abs(weights - old).max(),
            np.abs(group.mean - before.mean).max(),
            np.abs(np.sqrt(group.variance) - np.sqrt(before.variance)).max(),
        )
        settled = bool(moved < TOLERANCE)
        if settled:
            break
    told, information = _expanded(animals, weights)
    group, _, covariance = _swept(group, told, information, kind, keep=True)
    drawn = covariance / group.variance
    covariance = covariance + drawn @ group.covariance @ np.swapaxes(drawn, 1, 2)
    return group, weights, covariance, settled


def _expanded(animals: list[_Animal], weights: Float[np.ndarray, "animal kept"]):
    """Of each log likelihood: F w + score, and the information F."""
    told, information = [], []
    for (x, y), w in zip(animals, weights, strict=True):
        p = 0.5 * (1 + np.tanh(0.5 * (x @ w)))
        f = (x.T * (p * (1 - p))) @ x
        told.append(f @ w + x.T @ (y - p))
        information.append(f)
    return np.stack(told), np.stack(information)


def _swept(group: _Group, told, information, kind, *, keep: bool = False):
    """Mean and, unless kept, spreads that suit the expansions better; each animal's most probable
    weights under the mean and the spreads that were given, and their covariance."""
    inverse = 1 / group.variance
    covariance = np.linalg.inv(information + np.diag(inverse))
    lost = covariance.sum(0) * inverse[:, None] * inverse[None, :]
    precision = np.diag(len(told) * inverse + WEAK**-2) - lost
    of_mean = np.linalg.inv(precision)
    mean = of_mean @ (inverse * np.einsum("ipq,iq->p", covariance, told))
    probable = np.einsum("ipq,iq->ip", covariance, told + inverse * mean)
    if keep:
        return _Group(mean, of_mean, group.variance), probable, covariance
    rest = np.eye(len(mean)) - covariance * inverse
    error = np.diagonal(covariance + rest @ of_mean @ np.swapaxes(rest, 1, 2), axis1=1, axis2=2)
    squares, variance = (probable - mean) ** 2, group.variance.copy()
    for k in np.unique(kind):
        at = kind == k
        known = squares[:, at].size - (error[:, at] * inverse[at]).sum()
        found = squares[:, at].sum() / max(known, 1e-12)
        variance[at] = np.clip(found, LEAST_SPREAD**2, WEAK**2)
    return _Group(mean, of_mean, variance), probable, covariance


def _towards(animal: _Animal, weights, probable, group: _Group):
    """A step to the most probable weights, halved until it is one up."""

    def height(w):
        return _log_likelihood(animal, w) - 0.5 * ((w - group.mean) ** 2 / group.variance).sum()

    size, start = 1.0, height(weights)
    while size > 1e-3:
        new = weights + size * (probable - weights)
        if height(new) >= start - 1e-9 * abs(start):
            return new
        size /= 2
    return weights


def _log_likelihood(animal: _Animal, weights: Float[np.ndarray, " kept"]) -> float:
    log_odds = animal.design @ weights
    return float((animal.response * log_odds - np.logaddexp(0.0, log_odds)).sum())
