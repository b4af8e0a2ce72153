"""Fits of the trial-history regression: one set of weights per subject, or one for all."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ...errors import ConfigError, DataError
from ...models.history import HistoryRegression
from ...scoring.intervals import normal_quantile
from ...summary import Summary, counted, number, summarized
from ...trials import Trials
from .design import HistoryData, history_data
from .newton import fit_logistic, independent_columns, separating_columns

if TYPE_CHECKING:
    import pandas as pd

Ridge = float | Literal["cv"]
"""Strength of the ridge penalty on all weights but the bias; "cv": chosen by cross-validation."""

STRENGTHS = tuple(float(10.0**power) for power in np.arange(-1.0, 3.01, 0.5))
"""Ridge strengths that cross-validation tries, besides 0."""

FOLDS = 5


@summarized
@dataclasses.dataclass(frozen=True)
class HistoryFit:
    """The trial-history regression of one subject, or of all subjects together.

    Attributes:
        subject: name of the subject, or "pooled".
        data: the choices and outcome types that were regressed.
        weights: log-odds, in the order of `data.column_names`; NaN where a column was left out.
        covariance: of the weights, the inverse Hessian. Trials are taken as independent; with a
            ridge it describes the penalised estimate and ignores its bias.
        log_likelihood: of the scored choices in nats, without the penalty.
        ridge: strength of the penalty.
        warnings: what a reader must know, such as columns that are collinear or separate choices.
    """

    subject: str
    data: HistoryData
    weights: Float[np.ndarray, " weight"]
    covariance: Float[np.ndarray, "weight weight"]
    log_likelihood: float
    ridge: float
    warnings: tuple[str, ...]

    @property
    def standard_error(self) -> Float[np.ndarray, " weight"]:
        """Standard error of each weight, in log-odds."""
        return np.sqrt(np.diag(self.covariance))

    @property
    def n_scored(self) -> int:
        """Number of scored trials."""
        return int(self.data.scored.sum())

    @property
    def n_sessions(self) -> int:
        """Number of sessions."""
        return len(np.unique(self.data.session))

    @property
    def normalized_likelihood(self) -> float:
        """exp(mean log likelihood per scored trial), on the trials of the fit."""
        return float(np.exp(self.log_likelihood / self.n_scored))

    @property
    def by_type(self) -> Float[np.ndarray, "type lag"]:
        """The weights without the bias: a row for each outcome type, a column for each lag."""
        return self.weights[1:].reshape(-1, self.data.n_lags)

    @property
    def model(self) -> HistoryRegression:
        """The same regression as a model, to simulate or score; weights left out are 0."""
        return as_model([self])

    def _summary(self) -> Summary:
        title = (
            f"History regression of {self.subject}: {counted(self.n_sessions, 'session')}, "
            f"{self.n_scored:,} scored choices, {counted(self.data.n_lags, 'lag')}"
        )
        facts = [
            ("normalized likelihood", number(self.normalized_likelihood)),
            ("bias", f"{self.weights[0]:.3g}"),
        ]
        if self.ridge:
            facts.append(("ridge", number(self.ridge)))
        rows = [
            [name, f"{weights[0]:.3g}", f"{np.nansum(weights):.3g}"]
            for name, weights in zip(self.data.type_names, self.by_type, strict=True)
        ]
        heads = ["outcome", "weight at lag 1", "sum of weights"]
        return Summary(title, facts, [heads, *rows], self.warnings)

    def to_frame(self) -> pd.DataFrame:
        """One row a weight.

        Returns:
            A table with columns subject, outcome (type, or "bias"), lag (0 for the bias), weight,
            standard_error, low, high (95 % normal interval), in log-odds.
        """
        import pandas as pd

        lags, n_types = self.data.n_lags, len(self.data.type_names)
        half = normal_quantile() * self.standard_error
        return pd.DataFrame(
            {
                "subject": self.subject,
                "outcome": ["bias", *np.repeat(self.data.type_names, lags)],
                "lag": [0, *np.tile(np.arange(1, lags + 1), n_types)],
                "weight": self.weights,
                "standard_error": self.standard_error,
                "low": self.weights - half,
                "high": self.weights + half,
            }
        )


def fit_history(trials: Trials, n_lags: int = 10, *, ridge: Ridge = 0.0) -> tuple[HistoryFit, ...]:
    """The trial-history regression of each subject by itself, by maximum likelihood.

    log p(1)/p(0) = bias + sum over types i and lags l of weight_il c_{t-l} [type of t-l is i],
    with past choices c as +1 and -1.

    Args:
        trials: with two choices and outcomes of 0 and 1.
        n_lags: past choices that the regression looks back.
        ridge: strength of the penalty on all weights but the bias. "cv" chooses it for each
            subject by cross-validation over its sessions, in at most 5 folds.

    Returns:
        One fit for each subject that has sessions, in the order of `trials.names.subjects`.

    Raises:
        ConfigError: `n_lags` is below 1, or `ridge` is negative.
        DataError: the trials cannot be regressed (see `history_data`), or "cv" has one session.

    Source:
        Lau & Glimcher (2005), J Exp Anal Behav 84:555; Miller et al., Structured credit assignment
        in mice, Figure 2c.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, task = accumbens.QLearning(0.5, 3.0), accumbens.ReversalBandit()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=4, n_trials=250, key=key)
        >>> (fit,) = accumbens.fit_history(trials, n_lags=2)
        >>> fit.data.type_names, fit.by_type.shape
        (('none', 'reward'), (2, 2))
        >>> bool(fit.by_type[1, 0] > fit.by_type[0, 0])  # reward brings the animal back
        True
    """
    present = np.unique(trials.subject)
    return tuple(
        _fit(
            trials.names.subjects[s],
            history_data(trials, n_lags, np.flatnonzero(trials.subject == s)),
            ridge,
        )
        for s in present
    )


def pooled_history(trials: Trials, n_lags: int = 10, *, ridge: Ridge = 0.0) -> HistoryFit:
    """One regression for the trials of all subjects together.

    Arguments and errors are those of `fit_history`.
    """
    return _fit("pooled", history_data(trials, n_lags), ridge)


def as_model(
    fits: Sequence[HistoryFit], subjects: Sequence[str] | None = None
) -> HistoryRegression:
    """Fits of the regression as a model, to simulate or score; weights left out are 0.

    Args:
        fits: one fit, for a model of any subject; or one fit for each subject.
        subjects: the subjects of the trials that the model is for, in their order
            (`trials.names.subjects`); needed for several fits.

    Raises:
        ConfigError: a subject has no fit, or several fits come without subjects.
    """
    if subjects is None and len(fits) != 1:
        raise ConfigError(
            f"There are {len(fits)} fits, so the model must know whose they are: name the subjects "
            "of the trials in their order (trials.names.subjects)."
        )
    by_name = {fit.subject: fit for fit in fits}
    if missing := [name for name in subjects or () if name not in by_name]:
        raise ConfigError(
            f"There is no fit of subject {', '.join(missing)}; there are fits of "
            f"{', '.join(by_name)}."
        )
    chosen = fits if subjects is None else [by_name[name] for name in subjects]
    weights = np.nan_to_num(np.stack([fit.weights for fit in chosen]))
    n_types, n_lags = len(fits[0].data.type_names), fits[0].data.n_lags
    return HistoryRegression(
        bias=jnp.asarray(weights[:, 0], jnp.float32),
        weights=jnp.asarray(weights[:, 1:].reshape(-1, n_types, n_lags), jnp.float32),
    )


def _fit(subject: str, data: HistoryData, ridge: Ridge) -> HistoryFit:
    if ridge != "cv" and not (isinstance(ridge, int | float) and 0 <= ridge < np.inf):
        raise ConfigError(f"ridge is {ridge!r}; it must be a number of at least 0, or 'cv'.")
    design, response, notes = data.design(), data.response, []
    names = np.array(data.column_names)
    kept = independent_columns(design)
    if not kept.all():
        notes.append(
            f"{subject}: these columns of the regression are constant or collinear with others and "
            f"were left out: {_listed(names[~kept])}. The outcomes are too rare; use fewer lags."
        )
    strength = _cross_validated(data, design[:, kept]) if ridge == "cv" else float(ridge)
    fit = fit_logistic(design[:, kept], response, ridge=strength)
    if strength == 0 and (not fit.converged or np.abs(fit.weights).max() > 8.0):
        separating = np.zeros(len(names), bool)
        separating[np.flatnonzero(kept)] = separating_columns(design[:, kept], response)
        if separating.any():
            notes.append(
                f"{subject}: the choices are predicted perfectly by {_listed(names[separating])}, "
                "so these weights have no finite maximum. Use a ridge, fewer lags or more trials."
            )
    for note in notes:
        warnings.warn(note, stacklevel=4)
    weights = np.full(len(names), np.nan)
    covariance = np.full((len(names), len(names)), np.nan)
    weights[kept] = fit.weights
    covariance[np.ix_(kept, kept)] = np.linalg.pinv(fit.hessian, hermitian=True)
    return HistoryFit(
        subject, data, weights, covariance, fit.log_likelihood, strength, tuple(notes)
    )


def _cross_validated(data: HistoryData, design: Float[np.ndarray, "scored weight"]) -> float:
    """The strength of the ridge with the best log likelihood on held-out sessions."""
    session, response = data.response_session, data.response
    _, order = np.unique(session, return_inverse=True)
    n_folds = min(FOLDS, int(order.max()) + 1)
    if n_folds < 2:
        raise DataError(
            "ridge is 'cv', which holds out sessions, but there is only one session. Give a number."
        )
    total = np.zeros(1 + len(STRENGTHS))
    for fold in range(n_folds):
        out = order % n_folds == fold
        for i, strength in enumerate((0.0, *STRENGTHS)):
            weights = fit_logistic(design[~out], response[~out], ridge=strength).weights
            log_odds = design[out] @ weights
            total[i] += (response[out] * log_odds - np.logaddexp(0.0, log_odds)).sum()
    return (0.0, *STRENGTHS)[int(np.argmax(total))]


def _listed(names: np.ndarray, max_shown: int = 6) -> str:
    shown = ", ".join(names[:max_shown])
    return shown if len(names) <= max_shown else f"{shown} and {len(names) - max_shown} more"
