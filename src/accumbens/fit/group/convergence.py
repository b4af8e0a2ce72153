"""Have Markov chains converged? Rank-normalized split R-hat, and effective sample sizes.

Every value of all chains is replaced by the normal quantile of its rank, and every chain is cut in
halves. R-hat compares the variance between halves with that within; it is the larger one of the
values and of their distances from the median, so that chains of other spreads are seen too.
The effective sample size is the lowest one of the middle (the ranked values) and of the tails (5
and 95 % quantiles).

Source: Vehtari et al. (2021), Bayesian Anal 16:667, sections 3 and 4.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy import special, stats

from ...extras import from_extra

MAX_R_HAT, MIN_ESS = 1.01, 400
"""What Vehtari et al. ask of draws that are reported."""
TAILS = 0.05, 0.95


class Convergence(NamedTuple):
    """Of each number that was sampled.

    Attributes:
        r_hat: at most 1.01 where chains agree.
        ess: how many independent draws the draws are worth, the lower one of middle and tails.
    """

    r_hat: Float[np.ndarray, "*number"]
    ess: Float[np.ndarray, "*number"]


def convergence(draws: Float[np.ndarray, "chain draw *number"]) -> Convergence:
    """R-hat and effective sample size of each number. Needs the extra `bayes`."""
    diagnostics = from_extra("numpyro.diagnostics", "bayes")
    halves = _split(draws)
    away = np.abs(halves - np.median(halves, axis=(0, 1)))
    r_hat = np.maximum(_r_hat(_ranked(halves)), _r_hat(_ranked(away)))
    below = [halves <= np.quantile(halves, tail, axis=(0, 1)) for tail in TAILS]
    parts = [_ranked(halves), *(one.astype(float) for one in below)]
    with np.errstate(invalid="ignore", divide="ignore"):
        ess = np.minimum.reduce([diagnostics.effective_sample_size(part) for part in parts])
    return Convergence(r_hat, np.nan_to_num(ess, nan=0.0))


def _split(draws: Float[np.ndarray, "chain draw *number"]):
    n = draws.shape[1] // 2
    return np.concatenate([draws[:, :n], draws[:, -n:]])


def _ranked(draws: Float[np.ndarray, "chain draw *number"]):
    """Normal quantiles of the ranks among the draws of all chains."""
    flat = draws.reshape(-1, *draws.shape[2:])
    ranks = stats.rankdata(flat, axis=0)
    return special.ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(draws.shape)


def _r_hat(draws: Float[np.ndarray, "chain draw *number"]) -> Float[np.ndarray, "*number"]:
    n = draws.shape[1]
    within = draws.var(1, ddof=1).mean(0)
    between = draws.mean(1).var(0, ddof=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.sqrt((n - 1) / n + between / within)
    return np.where(within > 0, found, np.inf)
