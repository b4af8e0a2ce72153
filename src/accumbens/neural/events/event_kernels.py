"""Event kernels: what each of several events adds to a signal, by ridge regression on time lags.

    y(t) = c + sum over events k and lags l of  K_k(l) x_k(t - l) + noise,

with x_k(t) the number of events of kind k in bin t (or the sum of their weights). Responses to
events that follow each other (choice, reward, licks) overlap in any average around one of them. The
regression separates them as far as the delays between the events vary.

Source: Parker et al. (2016), Nat Neurosci 19:845.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from ...errors import ConfigError, DataError
from ...recordings import Trace, Units
from .config import Window

PENALTIES = tuple(float(x) for x in np.logspace(-4, 3, 15))
"""Ridge penalties that cross-validation chooses from, as multiples of the mean column's power."""


@dataclasses.dataclass(frozen=True)
class EventKernelConfig:
    """How event kernels are estimated."""

    window: Window = (-1.0, 2.0)
    """Start and end of the time in which an event may have an effect, in s from the event."""
    bin: float = 0.05
    """Width of a bin of the signal and of the kernels, in s."""
    folds: int = 5
    """Blocks of consecutive bins, each predicted from the others."""
    penalties: tuple[float, ...] = PENALTIES
    """Ridge penalties to choose from by cross-validation, one for each signal."""

    def __post_init__(self) -> None:
        if not (self.window[0] < self.window[1] and 0 < self.bin < self.window[1] - self.window[0]):
            raise ConfigError(
                f"window is {self.window} s and bin is {self.bin} s; the window must end after it "
                "starts, and the bin must be above 0 and shorter than the window."
            )
        if self.folds < 2 or not self.penalties or min(self.penalties) < 0:
            raise ConfigError(
                f"folds is {self.folds} and penalties is {self.penalties}; give at least two "
                "folds, and at least one penalty, none below 0."
            )

    @property
    def lags(self) -> Int[np.ndarray, " lag"]:
        """The bins of the kernels, counted from the bin of the event."""
        first = np.ceil(self.window[0] / self.bin - 1e-9)
        last = np.floor(self.window[1] / self.bin + 1e-9)
        return np.arange(first, last).astype(np.int64)


class Binned(NamedTuple):
    """Signals in bins.

    Attributes:
        start: of the first bin, in s.
        values: of each signal in each bin; NaN where it was not measured.
        names: of the signals.
    """

    start: float
    values: Float[np.ndarray, "bin signal"]
    names: tuple[str, ...]


class EventKernels(NamedTuple):
    """The kernel of each kind of event in each signal.

    Attributes:
        time: middles of the bins, in s from the event.
        kernel: in the signal's unit per event (or per unit of weight).
        standard_error: of the kernel, by the jackknife over folds.
        offset: of each signal, in its unit.
        penalty: chosen for each signal.
        r2: share of the variance explained in held-out blocks.
        unique: how much of r2 is lost without the event, with the penalty chosen anew.
        events: kinds of event.
        signals: names of the signals.
    """

    time: Float[np.ndarray, " lag"]
    kernel: Float[np.ndarray, "event signal lag"]
    standard_error: Float[np.ndarray, "event signal lag"]
    offset: Float[np.ndarray, " signal"]
    penalty: Float[np.ndarray, " signal"]
    r2: Float[np.ndarray, " signal"]
    unique: Float[np.ndarray, "event signal"]
    events: tuple[str, ...]
    signals: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row for each event, signal and lag.

        Returns:
            A table with columns event, signal, time (s), kernel, standard_error.
        """
        shape = self.kernel.shape
        event, signal, _ = np.indices(shape)
        return pd.DataFrame(
            {"event": np.array(self.events)[event.ravel()],
             "signal": np.array(self.signals)[signal.ravel()],
             "time": np.broadcast_to(self.time, shape).ravel(),
             "kernel": self.kernel.ravel(),
             "standard_error": self.standard_error.ravel()}
        )  # fmt: skip


def bin_trace(trace: Trace, config: EventKernelConfig) -> Binned:
    """A trace in bins: the mean of its samples; NaN in bins without a sample.

    Args:
        trace: to bin.
        config: with the width of the bins.

    Raises:
        DataError: the bins are shorter than the interval between samples.
    """
    if config.bin < 0.999 * trace.interval:
        raise DataError(
            f"{trace.source}: {trace.name} has a sample every {trace.interval:.4g} s, so some bins "
            f"of {config.bin:g} s would be empty. Choose a longer bin."
        )
    known = np.isfinite(trace.values)
    start = float(trace.times[0])
    place = np.floor((trace.times - start) / config.bin + 1e-6).astype(np.int64)[known]
    n = int((trace.times[-1] - start) / config.bin + 1e-6) + 1
    count = np.bincount(place, minlength=n)
    total = np.bincount(place, trace.values[known], minlength=n)
    values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return Binned(start, values[:, None], (trace.name,))


def bin_spikes(
    units: Units, config: EventKernelConfig, recorded: Float[np.ndarray, "span two"] | None = None
) -> Binned:
    """Rates of units in bins, in spikes/s, over the recording; NaN where a unit was not observed.

    Args:
        units: to bin.
        config: with the width of the bins.
        recorded: starts and ends in s of the times that were recorded, one row for each; bins
            outside are NaN. None: all times were recorded.

    Raises:
        DataError: the spikes span less than a bin.
    """
    start, stop = units.span
    if not stop - start > config.bin:
        raise DataError(
            f"{units.source}: the spikes span less than a bin of {config.bin:g} s. Choose a "
            "shorter bin."
        )
    n = int((stop - start) / config.bin)
    edges = start + config.bin * np.arange(n + 1)
    counts = [np.diff(np.searchsorted(units.spikes(i), edges)) for i in range(len(units))]
    values = np.stack(counts, axis=1) / config.bin
    if units.observed is not None:
        values[~units.observes(edges[:-1], (0.0, config.bin))] = np.nan
    if recorded is not None:
        inside = np.zeros(n, bool)
        for low, high in recorded:
            inside |= (edges[:-1] >= low - 1e-9) & (edges[1:] <= high + 1e-9)
        values[~inside] = np.nan
    return Binned(start, values, units.ids)


def fit_event_kernels(
    binned: Binned,
    events: Mapping[str, Float[np.ndarray, " _"]],
    config: EventKernelConfig | None = None,
    *,
    weights: Mapping[str, Float[np.ndarray, " _"]] | None = None,
) -> EventKernels:
    """Fits the kernels of all events at once, in every signal.

    The ridge penalty of each signal is chosen by cross-validation over blocks of bins; it is in
    units of the mean power of a column of the design matrix, and the offset is not penalised. Bins
    in which a signal is missing are left out for all signals.

    Args:
        binned: the signals.
        events: times in s of each kind of event, by name. NaN and times outside the recording have
            no effect.
        config: window, bins and penalties.
        weights: for some kinds of event a weight for each event, such as a prediction error; the
            kernel is then per unit of weight.

    Raises:
        ConfigError: there are no events, or not as many weights as events.
        DataError: no event of some kind lies in the recording, or there are too few bins.
    """
    config = config or EventKernelConfig()
    if not events:
        raise ConfigError("There are no events. Name at least one kind of event.")
    design = _design(binned, events, config, weights or {})
    known: np.ndarray = np.isfinite(binned.values).min(axis=1)
    n_lags, n_columns = len(config.lags), design.shape[1]
    if known.sum() < max(2 * config.folds, n_columns // 4):
        raise DataError(
            f"Only {int(known.sum()):,} bins were measured in all signals, for {n_columns} "
            "coefficients. Choose a shorter window or longer bins."
        )
    for k, name in enumerate(events):
        block = design[known][:, k * n_lags : (k + 1) * n_lags]
        if not block.any():
            raise DataError(
                f"No event {name!r} lies in the recording. Check that both are on the same clock, "
                "in s."
            )
    moments = _moments(design, binned.values, known, config.folds)
    full = _cross_validated(moments, np.ones(n_columns, bool), config)
    unique = np.zeros((len(events), len(binned.names)))
    for k in range(len(events)):
        keep = np.ones(n_columns, bool)
        keep[k * n_lags : (k + 1) * n_lags] = False
        unique[k] = full.r2 - _cross_validated(moments, keep, config).r2
    shape = (len(events), n_lags, len(binned.names))
    g = config.folds
    spread = np.square(full.left_out - full.left_out.mean(0)).sum(0)
    return EventKernels(
        time=(config.lags + 0.5) * config.bin,
        kernel=full.coefficients.reshape(shape).transpose(0, 2, 1),
        standard_error=np.sqrt((g - 1) / g * spread).reshape(shape).transpose(0, 2, 1),
        offset=full.offset, penalty=full.penalty, r2=full.r2, unique=unique,
        events=tuple(events), signals=binned.names,
    )  # fmt: skip


class _Moments(NamedTuple):
    """Sums over the bins of each fold, from which each ridge fit and its error follow."""

    n: Float[np.ndarray, " fold"]
    x: Float[np.ndarray, "fold column"]
    y: Float[np.ndarray, "fold signal"]
    xx: Float[np.ndarray, "fold column column"]
    xy: Float[np.ndarray, "fold column signal"]
    yy: Float[np.ndarray, "fold signal"]


class _Solution(NamedTuple):
    coefficients: Float[np.ndarray, "column signal"]
    left_out: Float[np.ndarray, "fold column signal"]
    offset: Float[np.ndarray, " signal"]
    penalty: Float[np.ndarray, " signal"]
    r2: Float[np.ndarray, " signal"]


def _design(
    binned: Binned,
    events: Mapping[str, Float[np.ndarray, " _"]],
    config: EventKernelConfig,
    weights: Mapping[str, Float[np.ndarray, " _"]],
) -> Float[np.ndarray, "bin column"]:
    """One column for each event and lag: the (weighted) events that many bins before each bin."""
    n, lags = len(binned.values), config.lags
    columns = np.zeros((n, len(events) * len(lags)))
    for k, (name, times) in enumerate(events.items()):
        weight = np.ones(len(times)) if name not in weights else np.asarray(weights[name])
        if len(weight) != len(times):
            raise ConfigError(
                f"There are {len(times)} events {name!r}, but {len(weight)} weights for them. Give "
                "one for each event."
            )
        known = np.isfinite(times) & np.isfinite(weight)
        place = np.floor((times[known] - binned.start) / config.bin + 1e-6).astype(np.int64)
        for j, lag in enumerate(lags):
            at = place + lag
            inside = (at >= 0) & (at < n)
            np.add.at(columns[:, k * len(lags) + j], at[inside], weight[known][inside])
    return columns


def _moments(
    x: Float[np.ndarray, "bin column"],
    y: Float[np.ndarray, "bin signal"],
    known: Bool[np.ndarray, " bin"],
    folds: int,
) -> _Moments:
    parts = []
    for rows in np.array_split(np.flatnonzero(known), folds):
        a, b = x[rows], y[rows]
        sums = (float(len(rows)), a.sum(0), b.sum(0), a.T @ a, a.T @ b, np.square(b).sum(0))
        parts.append(sums)
    return _Moments(*(np.array(values) for values in zip(*parts, strict=True)))


def _cross_validated(
    m: _Moments, keep: Bool[np.ndarray, " column"], config: EventKernelConfig
) -> _Solution:
    """Ridge regression with the penalty that has the smallest error in held-out folds."""
    if not keep.any():
        mean = m.y.sum(0) / m.n.sum()
        none = np.zeros((0, len(mean)))
        return _Solution(none, none[None], mean, np.zeros(len(mean)), np.zeros(len(mean)))
    x, xx, xy = m.x[:, keep], m.xx[:, keep][:, :, keep], m.xy[:, keep]
    error, null = np.zeros((len(config.penalties), m.y.shape[1])), np.zeros(m.y.shape[1])
    fits = []
    for f in range(len(m.n)):
        n, sx, sy = (total.sum(0) - total[f] for total in (m.n, x, m.y))
        solve = _ridge(n, sx, sy, xx.sum(0) - xx[f], xy.sum(0) - xy[f])
        by_penalty = [solve(penalty) for penalty in config.penalties]
        fits.append(by_penalty)
        null += m.yy[f] - 2 * (sy / n) * m.y[f] + m.n[f] * np.square(sy / n)
        for p, (w, c) in enumerate(by_penalty):
            fitted = (w * (xx[f] @ w)).sum(0) + 2 * c * (x[f] @ w) + m.n[f] * np.square(c)
            error[p] += m.yy[f] - 2 * ((w * xy[f]).sum(0) + c * m.y[f]) + fitted
    best = error.argmin(0)
    solve = _ridge(m.n.sum(), x.sum(0), m.y.sum(0), xx.sum(0), xy.sum(0))
    whole = [solve(penalty) for penalty in config.penalties]
    signals = range(m.y.shape[1])
    r2 = np.array([1 - error[best[s], s] / null[s] if null[s] > 0 else np.nan for s in signals])
    return _Solution(
        np.stack([whole[best[s]][0][:, s] for s in signals], axis=1),
        np.stack([np.stack([fit[best[s]][0][:, s] for s in signals], axis=1) for fit in fits]),
        np.array([whole[best[s]][1][s] for s in signals]),
        np.array(config.penalties)[best], r2,
    )  # fmt: skip


def _ridge(n, sx, sy, xx, xy):
    """Solves (X'X + penalty mean power) w = X'y of centred columns, for any penalty."""
    centred = xx - np.outer(sx, sx) / n
    target = xy - np.outer(sx, sy) / n
    power, directions = np.linalg.eigh(centred)
    power = np.maximum(power, 0)
    unit = max(float(power.mean()), np.finfo(float).tiny)
    projected = directions.T @ target

    def solve(penalty: float):
        scale = power + max(penalty, 1e-10) * unit
        w = directions @ (projected / scale[:, None])
        return w, (sy - sx @ w) / n

    return solve
