"""The fitted trial-history regression: weights, their standard errors, and itself as a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from ...errors import ConfigError
from ...models.history import HistoryRegression
from ...scoring.clustered import ClusteredErrors
from ...scoring.intervals import normal_quantile, student_quantile
from ...summary import Summary, counted, number, summarized
from .design import HistoryData

if TYPE_CHECKING:
    import pandas as pd

ErrorUnit = Literal["trial", "session", "subject", "group"]


@summarized
@dataclasses.dataclass(frozen=True)
class HistoryFit:
    """The trial-history regression of one subject, or of all subjects together.

    Attributes:
        subject: name of the subject, or "pooled".
        data: the choices and outcome types that were regressed.
        weights: log-odds, in the order of `data.column_names`; NaN where a column was left out.
        trial_covariance: of the weights, the inverse Hessian, as if trials were independent; with
            a ridge it describes the penalised estimate and ignores its bias.
        log_likelihood: of the scored choices in nats, without the penalty.
        ridge: strength of the penalty.
        warnings: what a reader must know, such as columns that are collinear or separate choices.
        clustered: errors with sessions as independent units (of pooled fits: subjects, where there
            are several), of the columns that were not left out; None with a single unit.
        unbounded: weights without a finite maximum.
        unit: what the standard errors take as independent; "trial" where there is one session,
            "group" where weights and errors are those of the posterior under a group.
    """

    subject: str
    data: HistoryData
    weights: Float[np.ndarray, " weight"]
    trial_covariance: Float[np.ndarray, "weight weight"]
    log_likelihood: float
    ridge: float
    warnings: tuple[str, ...]
    clustered: ClusteredErrors | None
    unbounded: Bool[np.ndarray, " weight"]
    unit: ErrorUnit

    @property
    def standard_error(self) -> Float[np.ndarray, " weight"]:
        """Standard error of each weight, in log-odds: CR2 over `unit` (see `scoring.clustered`).

        With a single session it is that of independent trials; NaN for weights that were left out
        or have no finite maximum.
        """
        if self.clustered is None:
            found = np.sqrt(np.diag(self.trial_covariance))
        else:
            found = self._embedded(np.sqrt(np.diag(self.clustered.covariance)))
        return np.where(self.unbounded, np.nan, found)

    @property
    def freedom(self) -> Float[np.ndarray, " weight"]:
        """Satterthwaite's degrees of freedom of each standard error; infinite for trials."""
        if self.clustered is None:
            return np.where(self._kept, np.inf, np.nan)
        return self._embedded(np.maximum(self.clustered.freedom(), 1.0))

    def error(self, contrast: Float[np.ndarray, " weight"]) -> tuple[float, float]:
        """The standard error of a sum of weights, sum_k c_k weight_k, and its degrees of freedom.

        Args:
            contrast: c, 0 for weights that were left out.

        Returns:
            The error in log-odds, NaN where a weight has no finite maximum; and the degrees of
            freedom, infinite where trials are taken as independent.
        """
        kept = self._kept
        c = contrast[kept]
        if self.unbounded[contrast != 0].any():
            return np.nan, np.inf
        if self.clustered is None:
            return float((c @ self.trial_covariance[np.ix_(kept, kept)] @ c) ** 0.5), np.inf
        found, freedom = self.clustered.error(c)
        return found, max(freedom, 1.0)

    @property
    def _kept(self) -> Bool[np.ndarray, " weight"]:
        """The columns that were not left out."""
        return ~np.isnan(np.diag(self.trial_covariance))

    def _embedded(self, of_kept: np.ndarray) -> np.ndarray:
        found = np.full(len(self.weights), np.nan)
        found[self._kept] = of_kept
        return found

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
            A table with columns subject, outcome (type, or "bias"), lag (0 for the bias), weight
            (NaN where it was left out or has no finite maximum),
            standard_error, low, high (95 % interval by Student's t), in log-odds; freedom (degrees
            of freedom, infinite for trials); unit (what was taken as independent).
        """
        import pandas as pd

        lags, n_types = self.data.n_lags, len(self.data.type_names)
        error, freedom = self.standard_error, self.freedom
        finite = np.isfinite(freedom)
        quantile = student_quantile(np.where(finite, freedom, 1.0))
        half = np.where(finite, quantile, normal_quantile()) * error
        return pd.DataFrame(
            {
                "subject": self.subject,
                "outcome": ["bias", *np.repeat(self.data.type_names, lags)],
                "lag": [0, *np.tile(np.arange(1, lags + 1), n_types)],
                "weight": np.where(self.unbounded, np.nan, self.weights),
                "standard_error": error,
                "low": self.weights - half,
                "high": self.weights + half,
                "freedom": freedom,
                "unit": self.unit,
            }
        )


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
