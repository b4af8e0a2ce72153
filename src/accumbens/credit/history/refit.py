"""The trial-history regression refitted thousands of times, to redrawn outcomes or sessions.

Refits run in compiled C++ where there is a compiler, and in NumPy otherwise. Both draw the same
random numbers by address (seed, resample, position), so results do not depend on batches, threads
or the implementation.
"""

from __future__ import annotations

import ctypes
import warnings
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Float, Int, Integer, UInt8

from ...compiled.libraries import Built, Source, built
from ...compiled.place import Reason
from ...cores import cores
from ...errors import ConfigError
from ...progress.threads import in_threads
from .design import HistoryData
from .fitted import HistoryFit
from .newton import fit_logistic

FILES = tuple(Path(__file__).with_name(name) for name in ("refit.cpp", "lookup.h"))
SOURCE = Source("refit", FILES, ("accumbens_refit",))
MIN_RIDGE = 0.01
"""Ridge penalty that every refit has at least. It is too weak to matter, and keeps weights finite
where an outcome is rare. Observed and redrawn data have the same ridge, so tests stay exact."""

REFERENCE_DRAWS = 4
REFERENCE = 2**62
"""Number of the first resample from which Newton's starting point is made; no test uses it."""

_said: set[str] = set()


class Redraw(NamedTuple):
    """How outcome types are drawn anew at each position of a sequence of choices.

    Attributes:
        type_a: number of the outcome type that is drawn with the given probability.
        type_b: number of the outcome type that is drawn otherwise.
        probability: of `type_a`, between 0 and 1.
    """

    type_a: Int[np.ndarray, " position"]
    type_b: Int[np.ndarray, " position"]
    probability: Float[np.ndarray, " position"]

    @classmethod
    def observed(cls, data: HistoryData) -> Redraw:
        """The redraw that leaves every outcome type as it was observed."""
        return cls(data.type, data.type, np.ones(len(data.type)))


class RefitProblem(NamedTuple):
    """One sequence of choices, how it is drawn anew, and where Newton's method starts.

    Attributes:
        data: the sequence of choices and outcome types.
        redraw: how outcome types are drawn anew.
        ridge: penalty on all weights but the bias.
        start: weights (log-odds) from which every refit starts.
        hessian: of the penalised negative log likelihood at `start`. Both decide how fast a refit
            converges, not what it converges to.
        session: for each position, which column of `session_weights` its session has; or None.
        session_weights: how often each session counts in each resample; None: each counts once.
    """

    data: HistoryData
    redraw: Redraw
    ridge: float
    start: Float[np.ndarray, " weight"]
    hessian: Float[np.ndarray, "weight weight"]
    session: Int[np.ndarray, " position"] | None = None
    session_weights: Float[np.ndarray, "resample session"] | None = None


def redraw_problem(data: HistoryData, redraw: Redraw, *, ridge: float = 0.0) -> RefitProblem:
    """The problem of refitting to redrawn outcome types.

    Newton's method starts from a fit to a few redraws that no test uses.

    Args:
        data: the sequence of choices and outcome types.
        redraw: how outcome types are drawn anew.
        ridge: penalty on all weights but the bias; raised to `MIN_RIDGE` where it is smaller.
    """
    reference = [redrawn_types(redraw, 0, REFERENCE + i) for i in range(REFERENCE_DRAWS)]
    return types_problem(data, np.stack(reference), ridge=ridge)._replace(redraw=redraw)


def types_problem(
    data: HistoryData, reference: Integer[np.ndarray, "draw position"], *, ridge: float = 0.0
) -> RefitProblem:
    """The problem of refitting to outcome types that are drawn elsewhere (see `refit_types`).

    Args:
        data: the sequence of choices and outcome types.
        reference: a few draws that no test uses; Newton's method starts from a fit to them.
        ridge: penalty on all weights but the bias; raised to `MIN_RIDGE` where it is smaller.
    """
    ridge, n = max(ridge, MIN_RIDGE), len(reference)
    design = np.concatenate([data.design(types.astype(np.int32)) for types in reference])
    fit = fit_logistic(design, np.tile(data.response, n), ridge=ridge * n)
    return RefitProblem(data, Redraw.observed(data), ridge, fit.weights, fit.hessian / n)


def bootstrap_problem(
    fit: HistoryFit,
    session: Int[np.ndarray, " position"],
    session_weights: Float[np.ndarray, "resample session"],
) -> RefitProblem:
    """The problem of refitting to resampled sessions, with outcomes as they were observed.

    Args:
        fit: whose choices, outcome types and ridge are used.
        session: for each position, which column of `session_weights` its session has.
        session_weights: how often each session counts in each resample.
    """
    ridge = max(fit.ridge, MIN_RIDGE)
    start = fit_logistic(fit.data.design(), fit.data.response, ridge=ridge)
    redraw = Redraw.observed(fit.data)
    return RefitProblem(
        fit.data, redraw, ridge, start.weights, start.hessian, session, session_weights
    )


def observed(problem: RefitProblem) -> Float[np.ndarray, " weight"]:
    """The weights of the observed outcome types, by the same computation as those of resamples.

    Returns:
        Log-odds, in single precision.
    """
    as_it_is = problem._replace(redraw=Redraw.observed(problem.data), session_weights=None)
    return refit(as_it_is, seed=0, count=1)[0]


def refit(
    problem: RefitProblem, *, seed: int, count: int, first: int = 0
) -> Float[np.ndarray, "resample weight"]:
    """The weights of resamples `first` ... `first + count - 1`.

    Each maximises the log likelihood of all scored choices - ridge/2 |weights but the bias|^2.

    Args:
        problem: what is refitted.
        seed: of the resamples.
        count: number of resamples.
        first: number of the first resample.

    Returns:
        Log-odds, in single precision.

    Raises:
        ConfigError: `count` or `first` is negative.
    """
    if count < 0 or first < 0:
        raise ConfigError(f"count is {count} and first is {first}; neither can be negative.")
    library = _library()
    if library is None:
        return refit_numpy(problem, seed=seed, count=count, first=first)
    return _refit_compiled(library, problem, seed, first, count)


def refit_types(
    problem: RefitProblem, types: UInt8[np.ndarray, "resample position"]
) -> Float[np.ndarray, "resample weight"]:
    """The weights of given outcome types, by the same computation as those of `refit`.

    Args:
        problem: see `types_problem`.
        types: the outcome type of each position in each resample.

    Returns:
        Log-odds, in single precision.
    """
    library = _library()
    if library is None:
        return refit_numpy(problem, seed=0, count=len(types), types=types)
    return _refit_compiled(library, problem, 0, 0, len(types), np.ascontiguousarray(types))


def _library() -> Built | None:
    """The compiled refit; None, and a warning once, where there is none."""
    library = built(SOURCE)
    if isinstance(library, Reason):
        if str(library) not in _said:
            _said.add(str(library))
            warnings.warn(
                f"Refits run in NumPy, about a hundred times slower than compiled: {library}.",
                stacklevel=3,
            )
        return None
    return library


def refit_implementation() -> Literal["compiled", "numpy"]:
    """The implementation that `refit` uses on this machine: "compiled" or "numpy"."""
    return "numpy" if isinstance(built(SOURCE), Reason) else "compiled"


def refit_numpy(
    problem: RefitProblem,
    *,
    seed: int,
    count: int,
    first: int = 0,
    types: UInt8[np.ndarray, "resample position"] | None = None,
) -> Float[np.ndarray, "resample weight"]:
    """What `refit` computes, with a design matrix and Newton's method for each resample.

    Arguments and result are those of `refit`, and of `refit_types`.
    """
    data, response = problem.data, problem.data.response
    out = np.empty((count, data.n_weights), np.float32)
    for i in range(count):
        own = redrawn_types(problem.redraw, seed, first + i) if types is None else types[i]
        design = data.design(own.astype(np.int32))
        v = None
        if problem.session_weights is not None and problem.session is not None:
            v = problem.session_weights[first + i][problem.session[data.scored]]
        out[i] = fit_logistic(design, response, ridge=problem.ridge, trial_weight=v).weights
    return out


def redrawn_types(redraw: Redraw, seed: int, resample: int) -> Int[np.ndarray, " position"]:
    """The outcome types of one resample.

    type_a where u_t < probability, else type_b; u_t in [0, 1) is output t + 1 of SplitMix64 from
    the state that (seed, resample) hashes to.

    Args:
        redraw: the two types of each position and the probability of the first.
        seed: of the resamples.
        resample: number of the resample.

    Source:
        Steele, Lea & Flood (2014), OOPSLA, Fast splittable pseudorandom number generators.
    """
    u = uniforms(seed, np.array([resample]), np.arange(len(redraw.type_a)))[:, 0]
    return np.where(u < redraw.probability, redraw.type_a, redraw.type_b)


def uniforms(
    seed: int, resamples: Int[np.ndarray, " resample"], positions: Int[np.ndarray, " position"]
) -> Float[np.ndarray, "position resample"]:
    """The numbers in [0, 1) of some resamples at some positions (see `redrawn_types`)."""
    with np.errstate(over="ignore"):
        of_resample = (resamples + 1).astype(np.uint64) * _GOLDEN
        stream = _mixed(np.uint64(seed) + of_resample)
        at = (positions + 1).astype(np.uint64)[:, None] * _GOLDEN
        return (_mixed(stream + at) >> np.uint64(11)) * 2.0**-53


_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def _mixed(z):
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def _refit_compiled(
    library: Built,
    problem: RefitProblem,
    seed: int,
    first: int,
    count: int,
    types: UInt8[np.ndarray, "resample position"] | None = None,
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
    inverse = np.ascontiguousarray(np.linalg.pinv(problem.hessian, hermitian=True), np.float64)

    def part(begin: int, end: int) -> None:
        library.library.accumbens_refit(
            ctypes.c_int64(len(data.sign)), ctypes.c_int(len(data.type_names)),
            ctypes.c_int(data.n_lags), *map(_pointer, arrays),
            None if weights is None else _pointer(weights),
            ctypes.c_int(0 if weights is None else weights.shape[1]),
            None if types is None else _pointer(types[begin:end]),
            _pointer(start), _pointer(inverse), ctypes.c_double(problem.ridge),
            ctypes.c_uint64(seed), ctypes.c_int64(first + begin), ctypes.c_int64(end - begin),
            _pointer(out[begin:end]), _pointer(steps[begin:end]),
        )  # fmt: skip

    n_parts = min(cores(), max(1, count // 16))
    edges = np.linspace(0, count, n_parts + 1).astype(int)
    spans = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    in_threads(lambda span: part(*span), spans, threads=n_parts)
    for i in np.flatnonzero(steps < 0):  # rare: too little data for single precision
        own = None if types is None else types[i : i + 1]
        out[i] = refit_numpy(problem, seed=seed, count=1, first=first + int(i), types=own)[0]
    return out


def _pointer(array: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
