"""Are two series related? Tests that hold although each series depends on its own past.

Ordinary tests take trials as independent, and find relations between any two slow series (Harris
2020, Nonsense correlations in neuroscience). Each function here says what it assumes instead.
Series are lists with one array a session; a statistic takes two such lists (or two arrays) and
gives a number that is larger the stronger the relation.
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

Series = Sequence[Float[np.ndarray, " _"]]
Statistic = Callable[[Series, Series], float]


class SeriesTest(NamedTuple):
    """observed: the statistic of the data. null: of each resample. p: see each test."""

    observed: float
    null: Float[np.ndarray, " resample"]
    p: float


def pooled_correlation(x: Series, y: Series) -> float:
    """Pearson's correlation of all trials of all sessions, each session's means taken out.

    Sessions of unequal length are cut to the shorter of the two; trials where either is NaN are
    left out. NaN where nothing varies.
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
    x: Series,
    y: Series,
    *,
    rng: np.random.Generator,
    statistic: Statistic = pooled_correlation,
    resamples: int = 1000,
    alternative: Alternative = "two-sided",
) -> SeriesTest:
    """Pairs each session of `x` with the sessions of `y` in random order.

    Assumes that under the null hypothesis sessions are exchangeable: any session's y could have
    gone with any session's x. Within sessions anything may depend on anything. Invalid when x and
    y both change over sessions (learning, bleaching), differ between subjects that are mixed here
    (permute within a subject), or share a time course in every session (satiety): both follow the
    trial number, and so are related without one another. With few sessions p cannot be small: n!
    orders give at least 1 / n!. p = (1 + count) / (1 + resamples); 1 where nothing varies.
    Raises DataError with fewer than 3 sessions, or different numbers of them.

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
        raise DataError(f"{len(x)} sessions cannot be permuted to any purpose: use at least 3.")
    orders = np.array([np.arange(len(y)), *(rng.permutation(len(y)) for _ in range(resamples))])
    if statistic is pooled_correlation:
        values = _permuted_correlations(x, y, orders)
    else:
        values = np.array([statistic(x, [y[i] for i in order]) for order in orders])
    observed, null = float(values[0]), values[1:]
    p = p_value(observed, null, alternative) if np.isfinite(observed) else 1.0
    return SeriesTest(observed, null, p)


def _permuted_correlations(
    x: Series, y: Series, orders: Int[np.ndarray, "order session"]
) -> Float[np.ndarray, " order"]:
    """`pooled_correlation` of x and y, the sessions of y in each order.

    Its sums are sums over pairs of sessions, so each pair is computed once for all orders.
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
    """Compares one session's relation without a shift to that at each shift up to `max_shift`.

    The middle of `x`, from max_shift to n - max_shift, is held, and y is moved by -max_shift ...
    max_shift trials. Assumes that y (or x) is stationary. Not wrapped around, so nothing jumps.
    p = min(1, m / (max_shift + 1)), m the number of shifts, 0 included, whose statistic (its size,
    if two_sided) is at least that of no shift: a bound, so the test is conservative, by a factor of
    up to 2 (Harris 2020, linear shift test); 1 where nothing varies. Invalid where both series have
    a trend over the session, or one that shifts leave in place.
    Raises DataError when fewer than 10 trials would be left.
    """
    n = len(x)
    if len(y) != n or n - 2 * max_shift < 10 or max_shift < 1:
        raise DataError(
            f"Series of {n} and {len(y)} trials cannot be shifted by up to {max_shift}: they must "
            "be equally long, at least 10 trials longer than twice the shift, which is at least 1."
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
    x: Series,
    y: Series,
    model: Model,
    task: Task,
    *,
    key: PRNGKeyArray,
    statistic: Statistic = pooled_correlation,
    resamples: int = 200,
    alternative: Alternative = "two-sided",
) -> SeriesTest:
    """Compares the relation of a latent variable and a signal with that of simulated sessions.

    x: the latent variable named `latent` along the animal's own trials; y: the signal. Each
    resample simulates `model` in `task`, one session for each of y, as long, and relates its latent
    variable to the same signal.
    Assumes that the model in the task makes sessions like the animal's: the same distribution of
    the latent variable and of its dependence on its past. Invalid as far as it does not, and the
    test is only as exact as the model is right; check the simulated behaviour first.
    p = (1 + count) / (1 + resamples). Raises DataError when the model has no such latent variable.
    """
    _check(x, y)
    n_trials = max(len(session) for session in y)
    _, latents = simulate_with_latents(
        model, task, n_sessions=resamples * len(y), n_trials=n_trials, key=key
    )
    if latent not in latents:
        raise DataError(f"The model has no latent variable {latent!r}; it has {list(latents)}.")
    drawn = latents[latent].reshape(resamples, len(y), n_trials)
    observed = statistic(x, y)
    null = np.array(
        [
            statistic([s[: len(of)] for s, of in zip(sessions, y, strict=True)], y)
            for sessions in drawn
        ]
    )
    return SeriesTest(observed, null, p_value(observed, null, alternative))


def _check(x: Series, y: Series) -> None:
    if len(x) != len(y):
        raise DataError(f"{len(x)} sessions of one series and {len(y)} of the other: give pairs.")
