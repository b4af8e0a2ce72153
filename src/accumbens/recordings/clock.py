"""Does a series' clock agree with its samples? Checked before anything is aligned to events.

Timestamps can be wrong in ways that no average shows: a channel whose samples were labelled with
another channel's frames still has plausible first and last times. What a wrong clock cannot do is
agree with itself: the intervals between samples are then not all the same.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

from ..errors import ConfigError, DataError
from .series import Series, Trace

TOLERANCE = 0.2
"""An interval is regular within this share of the median, or of a whole multiple (lost samples)."""

MOST_IRREGULAR = 0.01
"""Share of irregular intervals above which a clock is not believed."""

MOST_DRIFT = 0.01
"""Share by which the mean interval of a regular clock may differ from the median."""

NEARLY_AS_MANY = 1e-3
"""Series whose numbers of samples differ by a smaller share were probably recorded together."""


@dataclasses.dataclass(frozen=True)
class ClockConfig:
    """Which clock to believe, where the file's own contradicts its samples."""

    assume_rate: float | None = None
    """Samples per second, instead of the timestamps after the first, which is kept."""
    clock: str | None = None
    """Series in the same file whose timestamps are right, instead of the channel's own."""
    clock_align: Literal["exact", "start", "end"] = "exact"
    """If that series has more samples: stop with an error, or pair the first, or the last ones."""


class ClockReport(NamedTuple):
    """What a series' timestamps say. Times in s; NaN where there are too few.

    problems: contradictions, in words, numbers included. irregular: share of intervals that are
    no whole multiple of the median; lost: samples that whole multiples suggest are missing.
    """

    samples: int
    timestamps: int
    problems: tuple[str, ...]
    start: float = np.nan
    span: float = np.nan
    median_interval: float = np.nan
    mean_interval: float = np.nan
    irregular: float = np.nan
    lost: int = 0

    @property
    def rate(self) -> float:
        """Samples per second, lost ones counted; by the median interval if the clock is wrong."""
        if self.problems:
            return 1.0 / self.median_interval if self.median_interval > 0 else np.nan
        return (self.samples - 1 + self.lost) / self.span


def clock_report(series: Series) -> ClockReport:
    """The clock of a series and all that contradicts it."""
    try:
        times = series.timestamps()
    except DataError:
        return ClockReport(len(series.values), 0, ("neither timestamps nor a rate",))
    n, problems = len(series.values), []
    if n == 0:
        problems.append("no samples")
    if len(times) != n:
        problems.append(_counts_differ(n, len(times)))
    bad = int((~np.isfinite(times)).sum())
    if bad:
        problems.append(f"{bad:,} of {len(times):,} timestamps are not numbers")
    finite = times[np.isfinite(times)]
    if len(finite) < 2:
        start = float(finite[0]) if len(finite) else np.nan
        problems += [] if bad or n == 0 else ["fewer than two samples"]
        return ClockReport(n, len(times), tuple(problems), start)
    steps = np.diff(finite)
    span = float(finite[-1] - finite[0])
    if (steps < 0).any():
        problems.append(f"timestamps go back {int((steps < 0).sum()):,} times")
    distinct = len(np.unique(finite))
    if distinct < len(finite):
        each = len(finite) / distinct
        times_each = f": each is there {each:.0f} times" if each == int(each) else ""
        problems.append(f"{len(finite):,} timestamps, but only {distinct:,} differ{times_each}")
    median, mean = float(np.median(steps)), span / len(steps)
    irregular, lost = 0.0, 0
    if median > 0 and (steps >= 0).all() and distinct == len(finite):
        multiple = np.maximum(np.round(steps / median), 1)
        off = np.abs(steps / multiple - median) > TOLERANCE * median
        irregular, lost = float(off.mean()), int((multiple[~off] - 1).sum())
        drift = abs(span / (len(steps) + lost) / median - 1)
        if irregular > MOST_IRREGULAR or drift > MOST_DRIFT:
            problems.append(
                f"{len(finite):,} samples at the median interval of {1e3 * median:.4g} ms "
                f"({1 / median:.4g} Hz) make {len(steps) * median:,.0f} s, but the timestamps span "
                f"{span:,.0f} s (mean interval {1e3 * mean:.4g} ms); {irregular:.0%} of the "
                "intervals are irregular"
            )
    return ClockReport(
        n, len(times), tuple(problems), float(finite[0]), span, median, mean, irregular, lost
    )


def settle_clock(
    series: Series, config: ClockConfig, others: Mapping[str, Series] | None = None
) -> Trace:
    """The series on the clock that `config` asks for, by default its own, if it can be believed.

    others: the series of the same file, by name, for `config.clock` and for advice.
    Raises DataError that says which numbers disagree, ConfigError for options that do.
    """
    others = others or {}
    if config.assume_rate is not None:
        return _at_assumed_rate(series, config)
    if config.clock is not None:
        series = _on_other_clock(series, config.clock, config.clock_align, others)
    report = clock_report(series)
    if report.problems:
        raise DataError(
            f"{series.source}: the clock of {series.name} cannot be believed: "
            f"{'; '.join(report.problems)}. {_advice(series, others)}"
        )
    return Trace(series.name, series.timestamps(), series.values, series.unit, series.source)


def _at_assumed_rate(series: Series, config: ClockConfig) -> Trace:
    rate = config.assume_rate
    if config.clock is not None:
        raise ConfigError("--assume-rate and --clock contradict each other: give one of them.")
    if rate is None or not (np.isfinite(rate) and rate > 0):
        raise ConfigError(f"--assume-rate {rate}: a rate is a positive number of samples a second.")
    first = series.start
    if series.times is not None:
        if not len(series.times) or not np.isfinite(series.times[0]):
            raise DataError(
                f"{series.source}: {series.name} has no first timestamp to count from. Name a "
                "series with the right times (--clock NAME)."
            )
        first = float(series.times[0])
    times = first + np.arange(len(series.values)) / rate
    return Trace(series.name, times, series.values, series.unit, series.source)


def _on_other_clock(series: Series, clock: str, align: str, others: Mapping[str, Series]) -> Series:
    if clock not in others:
        raise ConfigError(
            f"--clock {clock}: {series.source} has no such series; it has "
            f"{', '.join(others) or 'none'}."
        )
    times, n = others[clock].timestamps(), len(series.values)
    if len(times) < n or (len(times) > n and align == "exact"):
        pair = (
            " If samples were lost, say which ones belong together: --clock-align start or end."
            if len(times) > n
            else ""
        )
        raise DataError(
            f"{series.source}: {series.name} has {n:,} samples, but {clock} (--clock) has "
            f"{len(times):,} timestamps.{pair}"
        )
    times = times[len(times) - n :] if align == "end" else times[:n]
    return dataclasses.replace(series, times=times)


def _counts_differ(n: int, stamps: int) -> str:
    more, fewer = max(n, stamps), min(n, stamps)
    times = f", {more // fewer} times as many" if fewer and more % fewer == 0 else ""
    if n > stamps:
        return f"{n:,} values{times} but {stamps:,} timestamps"
    return f"{stamps:,} timestamps{times} but {n:,} values"


def _advice(series: Series, others: Mapping[str, Series]) -> str:
    """What to do, with a regular series of nearly as many samples as evidence, if there is one."""
    n = len(series.values)
    advice = (
        "Say how many samples a second there are (--assume-rate HZ), or name a series with the "
        "right timestamps (--clock NAME)."
    )
    for name, other in others.items():
        near = abs(len(other.values) - n) <= NEARLY_AS_MANY * n
        if name == series.name or not n or not near:
            continue
        report = clock_report(other)
        if not report.problems:
            return (
                f"{name} of the same file has {len(other.values):,} samples, regular at "
                f"{report.rate:.4g} Hz over {report.span:,.0f} s. {advice}"
            )
    return advice
