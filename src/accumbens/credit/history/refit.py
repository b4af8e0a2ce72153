"""The trial-history regression refitted thousands of times: to redrawn outcomes, or sessions.

Compiled C++ where there is a compiler, plain NumPy otherwise; both draw the same random numbers, by
address (seed, resample, position), so results do not depend on batches, threads or implementation.
"""

from __future__ import annotations

import ctypes
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ...errors import ConfigError
from ...native import Built, Reason, Source, built
from .design import HistoryData
from .fitting import HistoryFit
from .newton import fit_logistic

SOURCE = Source("refit", (Path(__file__).with_name("refit.cpp"),))
SMALLEST_RIDGE = 0.01
"""A ridge that every refit has: too weak to matter, it keeps the maximum finite where an outcome is
rare. Observed and redrawn data have the same, so tests stay exact."""

REFERENCE_DRAWS = 4
REFERENCE = 2**62
"""Numbers of the resamples from which the reference is made: none that a test uses."""

_said: set[str] = set()


class Redraw(NamedTuple):
    """How outcome types are drawn anew: `type_a` with the given probability, else `type_b`."""

    type_a: Int[np.ndarray, " position"]
    type_b: Int[np.ndarray, " position"]
    probability: Float[np.ndarray, " position"]

    @classmethod
    def observed(cls, data: HistoryData) -> Redraw:
        """Nothing is redrawn."""
        return cls(data.type, data.type, np.ones(len(data.type)))


class RefitProblem(NamedTuple):
    """One sequence of choices, how it is drawn anew, and where Newton's method starts.

    session, session_weights: index of each position's session among the columns of the weights, one
    row of weights for each resample; or None: all count once. start, hessian: weights from which
    every refit starts and the Hessian there (they decide how fast it converges, not to what).
    """

    data: HistoryData
    redraw: Redraw
    ridge: float
    start: Float[np.ndarray, " weight"]
    hessian: Float[np.ndarray, "weight weight"]
    session: Int[np.ndarray, " position"] | None = None
    session_weights: Float[np.ndarray, "resample session"] | None = None


def redraw_problem(data: HistoryData, redraw: Redraw, *, ridge: float = 0.0) -> RefitProblem:
    """Refits of redrawn outcome types; the start is a fit to a few redraws of their own."""
    ridge = max(ridge, SMALLEST_RIDGE)
    designs = [data.design(redrawn_types(redraw, 0, REFERENCE + i)) for i in range(REFERENCE_DRAWS)]
    response = np.tile(data.response, REFERENCE_DRAWS)
    fit = fit_logistic(np.concatenate(designs), response, ridge=ridge * REFERENCE_DRAWS)
    return RefitProblem(data, redraw, ridge, fit.weights, fit.hessian / REFERENCE_DRAWS)


def bootstrap_problem(
    fit: HistoryFit,
    session: Int[np.ndarray, " position"],
    session_weights: Float[np.ndarray, "resample session"],
) -> RefitProblem:
    """Refits of the observed types with sessions weighted anew."""
    ridge = max(fit.ridge, SMALLEST_RIDGE)
    start = fit_logistic(fit.data.design(), fit.data.response, ridge=ridge)
    redraw = Redraw.observed(fit.data)
    return RefitProblem(
        fit.data, redraw, ridge, start.weights, start.hessian, session, session_weights
    )


def observed(problem: RefitProblem) -> Float[np.ndarray, " weight"]:
    """The weights at the observed types, by the very computation that resamples go through."""
    as_it_is = problem._replace(redraw=Redraw.observed(problem.data), session_weights=None)
    return refit(as_it_is, seed=0, count=1)[0]


def refit(
    problem: RefitProblem, *, seed: int, count: int, first: int = 0
) -> Float[np.ndarray, "resample weight"]:
    """Weights (log-odds, single precision) at resamples `first` ... `first + count - 1` of `seed`.

    Each maximises the likelihood of all scored choices less ridge/2 |weights but the bias|^2.
    Raises ConfigError for a negative count.
    """
    if count < 0 or first < 0:
        raise ConfigError(f"count is {count} and first {first}; neither can be negative.")
    library = built(SOURCE)
    if isinstance(library, Reason):
        if str(library) not in _said:
            _said.add(str(library))
            warnings.warn(
                f"Refits are some hundred times slower here, in plain NumPy: {library}.",
                stacklevel=2,
            )
        return refit_numpy(problem, seed=seed, count=count, first=first)
    return _refit_compiled(library, problem, seed, first, count)


def refit_implementation() -> Literal["compiled", "numpy"]:
    """Which implementation `refit` uses on this machine."""
    return "numpy" if isinstance(built(SOURCE), Reason) else "compiled"


def refit_numpy(
    problem: RefitProblem, *, seed: int, count: int, first: int = 0
) -> Float[np.ndarray, "resample weight"]:
    """What `refit` computes, the plain way: a design matrix and Newton steps for each resample."""
    data, response = problem.data, problem.data.response
    out = np.empty((count, data.n_weights), np.float32)
    for i in range(count):
        design = data.design(redrawn_types(problem.redraw, seed, first + i))
        v = None
        if problem.session_weights is not None and problem.session is not None:
            v = problem.session_weights[first + i][problem.session[data.scored]]
        out[i] = fit_logistic(design, response, ridge=problem.ridge, trial_weight=v).weights
    return out


def redrawn_types(redraw: Redraw, seed: int, resample: int) -> Int[np.ndarray, " position"]:
    """The outcome types of one resample.

    u_t = SplitMix64's output number t + 1 from the state that (seed, resample) hashes to, as a
    number in [0, 1); type_a where u_t < probability.
    """
    position = np.arange(1, len(redraw.type_a) + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):
        stream = _mixed(np.uint64(seed) + np.uint64(resample + 1) * _GOLDEN)
        u = (_mixed(stream + position * _GOLDEN) >> np.uint64(11)) * 2.0**-53
    return np.where(u < redraw.probability, redraw.type_a, redraw.type_b)


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _refit_compiled(
    library: Built, problem: RefitProblem, seed: int, first: int, count: int
) -> Float[np.ndarray, "resample weight"]:
    data = problem.data
    out = np.empty((count, data.n_weights), np.float32)
    steps = np.empty(count, np.int32)
    arrays = [
        np.ascontiguousarray(a, t)
        for a, t in (
            (data.sign, np.float32),
            (problem.redraw.type_a, np.uint8),
            (problem.redraw.type_b, np.uint8),
            (problem.redraw.probability, np.float64),
            (data.sign > 0, np.float32),
            (data.scored, np.float32),
            (np.zeros(len(data.sign)) if problem.session is None else problem.session, np.int32),
        )
    ]
    weights = problem.session_weights
    weights = None if weights is None else np.ascontiguousarray(weights, np.float32)
    start = np.ascontiguousarray(problem.start, np.float64)
    inverse = np.ascontiguousarray(np.linalg.inv(problem.hessian), np.float64)

    def part(begin: int, end: int) -> None:
        library.library.accumbens_refit(
            ctypes.c_int64(len(data.sign)), ctypes.c_int(len(data.type_names)),
            ctypes.c_int(data.n_lags), *map(_pointer, arrays),
            None if weights is None else _pointer(weights),
            ctypes.c_int(0 if weights is None else weights.shape[1]),
            _pointer(start), _pointer(inverse), ctypes.c_double(problem.ridge),
            ctypes.c_uint64(seed), ctypes.c_int64(first + begin), ctypes.c_int64(end - begin),
            _pointer(out[begin:end]), _pointer(steps[begin:end]),
        )  # fmt: skip

    n_parts = min(os.cpu_count() or 1, max(1, count // 16))
    edges = np.linspace(0, count, n_parts + 1).astype(int)
    with ThreadPoolExecutor(n_parts) as threads:
        list(threads.map(part, edges[:-1].tolist(), edges[1:].tolist()))
    for i in np.flatnonzero(steps < 0):  # rare: too little data for single precision
        out[i] = refit_numpy(problem, seed=seed, count=1, first=first + int(i))[0]
    return out


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
