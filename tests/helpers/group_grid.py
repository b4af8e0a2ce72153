"""The posterior of a group of `BiasOnly` agents, by sums over grids."""

from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.special import expit, logsumexp

from accumbens.trials import Trials


class GridPosterior(NamedTuple):
    """Posterior mean and SD of the group's mean; median, mean and SD of its spread; of each subject
    the posterior mean."""

    mean: float
    mean_sd: float
    spread: float
    spread_mean: float
    spread_sd: float
    own: list[float]


def grid_posterior(trials: Trials, centre: float, mean_sd: float, spread_sd: float):
    """mean ~ Normal(centre, mean_sd^2), spread ~ HalfNormal(spread_sd)."""
    mean = np.linspace(-3, 4, 141)[:, None, None]
    spread = (np.arange(150)[:, None] + 0.5) * 0.04
    u = np.linspace(-12, 13, 1001)
    log_p = stats.norm.logpdf(mean, centre, mean_sd)[..., 0]
    log_p = log_p + stats.halfnorm.logpdf(spread, scale=spread_sd)[:, 0]
    prior = stats.norm.logpdf(u, mean, spread)
    prior = prior - logsumexp(prior, axis=-1, keepdims=True)
    own = []
    for i in range(len(trials.names.subjects)):
        choice = trials.choice[trials.subject == i]
        joint = prior + stats.binom.logpmf((choice == 1).sum(), (choice >= 0).sum(), expit(u))
        total = logsumexp(joint, axis=-1)
        own.append((np.exp(joint - total[..., None]) * u).sum(-1))
        log_p = log_p + total
    p = np.exp(log_p - logsumexp(log_p))

    def moments(values):
        middle = (p * values).sum()
        return float(middle), float(np.sqrt((p * (values - middle) ** 2).sum()))

    below = np.cumsum(p.sum(0))
    median = float(np.interp(0.5, below, spread[:, 0] + 0.02))
    return GridPosterior(
        *moments(mean[:, 0]), median, *moments(spread[:, 0]), [float((p * x).sum()) for x in own]
    )
