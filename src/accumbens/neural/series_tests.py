"""Are two series related? Tests that are valid although each series depends on its own past.

Ordinary tests take trials as independent, and so find relations between any two slow series (Harris
2020, Nonsense correlations in neuroscience). Each function here says what it assumes instead. A
series is a list with one array for each session. A statistic takes two series and gives a number
that is larger the stronger they are related.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from ..credit.randomization import Alternative, p_value
from ..errors import DataError
from ..models.base import Model
from ..simulation import simulate_with_latents
from ..tasks.base import Task

SessionSeries = Sequence[Float[np.ndarray, " _"]]
Statistic = Callable[[SessionSeries, SessionSeries], float]


class SeriesTest(NamedTuple):
    """The result of a test between two series.

    Attributes:
        observed: the statistic of the data.
        null: the statistic of each resample, permutation or shift.
        p: the p-value; how it is computed is said by each test.
    """

    observed: float
    null: Float[np.ndarray, " resample"]
    p: float


def pooled_correlation(x: SessionSeries, y: SessionSeries) -> float:
    """Pearson's correlation over the trials of all sessions, after subtraction of session means.

    Args:
        x, y: one array a session. Of two arrays of different length the longer is cut; trials where
            either is NaN are left out.

    Returns:
        The correlation; NaN where one of the series does not vary.
    """
    xs, ys = [], []
    for a, b in zip(x, y, strict=True):
        n = min(len(a), len(b))
        a, b = np.asarray(a[:n], float), np.asarray(b[:n], float)
        both = np.isfinite(a) & np.isfinite(b)
        if both.any():
            xs.append(a[both] - a[both].mean())
            ys.append(b[both] - b[both].mean())
    if not xs:
        return float("nan")
    u, v = np.concatenate(xs), np.concatenate(ys)
    scale = np.sqrt((u @ u) * (v @ v))
    return float(u @ v / scale) if scale > 0 else float("nan")


def session_permutation_test(
    x: SessionSeries,
    y: SessionSeries,
    *,
    rng: np.random.Generator,
    statistic: Statistic = pooled_correlation,
    resamples: int = 1000,
    alternative: Alternative = "two-sided",
) -> SeriesTest:
    """Session permutation: pairs the sessions of x with the sessions of y in random order.

    The test assumes that sessions are exchangeable under the null hypothesis: the y of any session
    could have gone with the x of any other. Within sessions, trials may depend on each other in any
    way. The test is invalid where x and y both change over sessions (learning, bleaching), where
    they differ between subjects that are mixed (permute within a subject), or where both have the
    same time course in every session (satiety). With n sessions p is at least 1 / n!.
    p = (1 + number of permutations at least as extreme) / (1 + resamples).

    Args:
        x, y: one array a session, at least three sessions.
        rng: of the permutations.
        statistic: larger the stronger the relation.
        resamples: number of permutations.
        alternative: "greater" or "less" than under the null hypothesis, or "two-sided".

    Returns:
        The test; p is 1 where one of the series does not vary.

    Raises:
        DataError: there are fewer than 3 sessions, or not as many of x as of y.

    Example:
        >>> import numpy as np
        >>> from accumbens import neural
        >>> rng = np.random.default_rng(0)
        >>> latent = [rng.normal(size=50) for _ in range(8)]
        >>> signal = [x + rng.normal(size=50) for x in latent]
        >>> found = neural.session_permutation_test(latent, signal, rng=rng, resamples=99)
        >>> bool(found.p <= 0.05)
        True
    """
    _check(x, y)
    if len(x) < 3:
        raise DataError(
            f"Session permutation needs at least 3 sessions, but there are {len(x)}. Use more "
            "sessions, or a linear shift within one."
        )
    orders = np.array([np.arange(len(y)), *(rng.permutation(len(y)) for _ in range(resamples))])
    if statistic is pooled_correlation:
        values = _permuted_correlations(x, y, orders)
    else:
        values = np.array([statistic(x, [y[i] for i in order]) for order in orders])
    observed, null = float(values[0]), values[1:]
    p = p_value(observed, null, alternative) if np.isfinite(observed) else 1.0
    return SeriesTest(observed, null, p)


def _permuted_correlations(
    x: SessionSeries, y: SessionSeries, orders: Int[np.ndarray, "order session"]
) -> Float[np.ndarray, " order"]:
    """`pooled_correlation` of x and y for each order of the sessions of y.

    The correlation is made of sums over pairs of sessions, so each pair is computed once.
    """
    n = len(x)
    sums = np.zeros((3, n, n))
    for i, j in np.ndindex(n, n):
        shorter = min(len(x[i]), len(y[j]))
        a, b = np.asarray(x[i][:shorter], float), np.asarray(y[j][:shorter], float)
        both = np.isfinite(a) & np.isfinite(b)
        if both.any():
            a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
            sums[:, i, j] = a @ b, a @ a, b @ b
    covariance, first, second = sums[:, np.arange(n), orders].sum(-1)
    scale = np.sqrt(first * second)
    return np.divide(covariance, scale, out=np.full(len(orders), np.nan), where=scale > 0)


def linear_shift_test(
    x: Float[np.ndarray, " trial"],
    y: Float[np.ndarray, " trial"],
    *,
    max_shift: int,
    statistic: Statistic = pooled_correlation,
    two_sided: bool = True,
) -> SeriesTest:
    """Linear shift: compares the relation of one session's series with that after shifts.

    The middle of x, from trial max_shift to n - max_shift, is related to y shifted by -max_shift to
    max_shift trials; nothing is wrapped around. The test assumes that x or y is stationary. It is
    invalid where both series have a trend over the session.
    p = min(1, m / (max_shift + 1)), with m the number of shifts, 0 included, whose statistic (its
    absolute value if `two_sided`) is at least that without a shift. This is a bound: the test is
    conservative by a factor of up to 2.

    Args:
        x, y: two series of one session, of equal length.
        max_shift: largest shift, in trials.
        statistic: larger the stronger the relation.
        two_sided: whether the absolute value of the statistic counts.

    Returns:
        The test; p is 1 where one of the series does not vary.

    Raises:
        DataError: the series differ in length, or fewer than 10 trials would be left.

    Source:
        Harris (2020), Nonsense correlations in neuroscience, linear shift test.
    """
    n = len(x)
    if len(y) != n or n - 2 * max_shift < 10 or max_shift < 1:
        raise DataError(
            f"The series have {n} and {len(y)} trials and cannot be shifted by up to {max_shift} "
            "trials (max_shift). They must have the same number of trials, at least 10 more than "
            "twice max_shift, and max_shift must be at least 1."
        )
    held = np.asarray(x[max_shift : n - max_shift])
    shifts = range(-max_shift, max_shift + 1)
    values = np.array(
        [
            statistic([held], [np.asarray(y[max_shift + shift : n - max_shift + shift])])
            for shift in shifts
        ]
    )
    observed = values[max_shift]
    size = np.abs(values) if two_sided else values
    as_large = int(np.count_nonzero(size >= size[max_shift]))
    null = np.delete(values, max_shift)
    p = min(1.0, as_large / (max_shift + 1)) if np.isfinite(observed) else 1.0
    return SeriesTest(float(observed), null, p)


def pseudosession_test(
    latent: str,
    x: SessionSeries,
    y: SessionSeries,
    model: Model,
    task: Task,
    *,
    key: PRNGKeyArray,
    statistic: Statistic = pooled_correlation,
    resamples: int = 200,
    alternative: Alternative = "two-sided",
) -> SeriesTest:
    """Pseudosessions: relates a signal to the latent variable of simulated sessions.

    Each resample simulates the model in the task, for one session of the same length for each
    session of y, and relates its latent variable to the same signal. The test assumes that the
    model in the task makes sessions like the animal's, with the same distribution of the latent
    variable and of its dependence on its past. It is only as exact as the model is right: check the
    simulated behaviour first.
    p = (1 + number of resamples at least as extreme) / (1 + resamples).

    Args:
        latent: name of the latent variable.
        x: the latent variable along the animal's own trials, one array a session.
        y: the signal, one array a session.
        model: fitted to the animal.
        task: that the animal performed.
        key: of the simulations.
        statistic: larger the stronger the relation.
        resamples: number of simulated experiments.
        alternative: "greater" or "less" than under the null hypothesis, or "two-sided".

    Raises:
        DataError: the model has no such latent variable, or x and y differ in their number of
            sessions.
    """
    _check(x, y)
    n_trials = max(len(session) for session in y)
    _, latents = simulate_with_latents(
        model, task, n_sessions=resamples * len(y), n_trials=n_trials, key=key
    )
    if latent not in latents:
        raise DataError(
            f"The model has no latent variable {latent!r}; it has {', '.join(latents)}."
        )
    drawn = latents[latent].reshape(resamples, len(y), n_trials)
    observed = statistic(x, y)
    null = np.array(
        [
            statistic([s[: len(of)] for s, of in zip(sessions, y, strict=True)], y)
            for sessions in drawn
        ]
    )
    return SeriesTest(observed, null, p_value(observed, null, alternative))


def _check(x: SessionSeries, y: SessionSeries) -> None:
    if len(x) != len(y):
        raise DataError(
            f"One series has {len(x)} sessions and the other {len(y)}. Give both of the same "
            "sessions."
        )
