"""Are a channel's timestamps right? This is checked before anything is aligned to events.

Wrong timestamps may show in no average: a channel whose samples were labelled with the times of
another channel's frames still has plausible first and last times. But the intervals between its
samples are then not all the same, and this is what is checked.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..errors import ConfigError, DataError
from .channels import Channel, Trace
from .config import ClockConfig
from .rounded import rounded_clock

TOLERANCE = 0.2
"""An interval is regular within this share of the median, or of a whole multiple (lost samples)."""

MAX_IRREGULAR = 0.01
"""Share of irregular intervals above which timestamps are taken to be wrong."""

MAX_DRIFT = 0.01
"""Share by which the mean interval of a regular clock may differ from the median."""

NEARLY_AS_MANY = 1e-3
"""Channels whose numbers of samples differ by a smaller share were probably recorded together."""


class ClockCheck(NamedTuple):
    """What the check of a channel's timestamps found.

    Attributes:
        samples: number of values.
        timestamps: number of timestamps.
        problems: what is wrong with the timestamps, in words and numbers; empty if nothing is.
        start: the first timestamp in s; NaN where there is none.
        span: from the first to the last timestamp in s; NaN where there are fewer than two.
        median_interval, mean_interval: between timestamps, in s.
        irregular: share of intervals that are not whole multiples of the median.
        lost: number of missing samples, as counted from intervals that are whole multiples.
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
        """Samples per second, lost ones included; by the median interval if there are problems."""
        if self.problems:
            return 1.0 / self.median_interval if self.median_interval > 0 else np.nan
        return (self.samples - 1 + self.lost) / self.span


def check_clock(channel: Channel) -> ClockCheck:
    """Checks the timestamps of a channel.

    Returns:
        Their start, span and intervals, and every problem that was found.
    """
    try:
        times = channel.timestamps()
    except DataError:
        return ClockCheck(len(channel.values), 0, ("there are neither timestamps nor a rate",))
    n, problems = len(channel.values), []
    if n == 0:
        problems.append("there are no samples")
    if len(times) != n:
        problems.append(_counts_differ(n, len(times)))
    bad = int((~np.isfinite(times)).sum())
    if bad:
        problems.append(f"{bad:,} of {len(times):,} timestamps are not numbers")
    finite = times[np.isfinite(times)]
    if len(finite) < 2:
        start = float(finite[0]) if len(finite) else np.nan
        problems += [] if bad or n == 0 else ["there are fewer than two samples"]
        return ClockCheck(n, len(times), tuple(problems), start)
    steps = np.diff(finite)
    span = float(finite[-1] - finite[0])
    if (steps < 0).any():
        problems.append(f"timestamps go back {int((steps < 0).sum()):,} times")
    distinct = len(np.unique(finite))
    if distinct < len(finite):
        each = len(finite) / distinct
        times_each = f": each occurs {each:.0f} times" if each == int(each) else ""
        problems.append(f"{len(finite):,} timestamps, but only {distinct:,} differ{times_each}")
        coarse = rounded_clock(finite)
        if coarse is not None:
            problems.append(
                f"they are rounded to {1e3 * coarse.resolution:.4g} ms, which is longer than the "
                f"interval between samples, and regular otherwise, at {1 / coarse.interval:.6g} Hz "
                f"(--assume-rate {1 / coarse.interval:.6g} is right within "
                f"{1e3 * coarse.resolution:.4g} ms)"
            )
    median, mean = float(np.median(steps)), span / len(steps)
    irregular, lost = 0.0, 0
    if median > 0 and (steps >= 0).all() and distinct == len(finite):
        multiple = np.maximum(np.round(steps / median), 1)
        off = np.abs(steps / multiple - median) > TOLERANCE * median
        irregular, lost = float(off.mean()), int((multiple[~off] - 1).sum())
        drift = abs(span / (len(steps) + lost) / median - 1)
        rounded = rounded_clock(finite) if irregular or drift > MAX_DRIFT else None
        if rounded is not None:
            irregular, lost, drift = 0.0, rounded.lost, 0.0
        if irregular > MAX_IRREGULAR or drift > MAX_DRIFT:
            problems.append(
                f"{len(finite):,} samples at the median interval of {1e3 * median:.4g} ms "
                f"({1 / median:.4g} Hz) make {len(steps) * median:,.0f} s, but the timestamps span "
                f"{span:,.0f} s (mean interval {1e3 * mean:.4g} ms); {irregular:.0%} of the "
                "intervals are irregular"
            )
    return ClockCheck(
        n, len(times), tuple(problems), float(finite[0]), span, median, mean, irregular, lost
    )


def settle_clock(
    channel: Channel, config: ClockConfig, others: Mapping[str, Channel] | None = None
) -> Trace:
    """The channel with times that have been checked.

    Args:
        channel: as read from a file.
        config: which times to use; by default the channel's own.
        others: all channels of the same file by name, for `config.clock` and for advice.

    Raises:
        ConfigError: the options contradict each other, or name a channel that is not there.
        DataError: the timestamps are wrong (the message says in which numbers), or the channel has
            none.
    """
    others = others or {}
    if config.assume_rate is not None:
        return _at_assumed_rate(channel, config)
    if config.clock is not None:
        channel = _on_other_clock(channel, config.clock, config.clock_align, others)
    if config.believe_stamps:
        return Trace(
            channel.name, channel.timestamps(), channel.values, channel.unit, channel.source
        )
    check = check_clock(channel)
    if check.problems:
        raise DataError(
            f"{channel.source}: the timestamps of {channel.name} are wrong: "
            f"{'; '.join(check.problems)}. {_advice(channel, others)}"
        )
    return Trace(channel.name, channel.timestamps(), channel.values, channel.unit, channel.source)


def _at_assumed_rate(channel: Channel, config: ClockConfig) -> Trace:
    rate = config.assume_rate
    if config.clock is not None:
        raise ConfigError("--assume-rate and --clock contradict each other. Give one of them.")
    if rate is None or not (np.isfinite(rate) and rate > 0):
        raise ConfigError(
            f"--assume-rate is {rate}; it must be a positive number of samples per second."
        )
    first = channel.start
    if channel.times is not None:
        if not len(channel.times) or not np.isfinite(channel.times[0]):
            raise DataError(
                f"{channel.source}: the first timestamp of {channel.name} is missing, so times "
                "cannot be counted from it. Name a channel with the right times (--clock NAME)."
            )
        first = float(channel.times[0])
    times = first + np.arange(len(channel.values)) / rate
    return Trace(channel.name, times, channel.values, channel.unit, channel.source)


def _on_other_clock(
    channel: Channel, clock: str, align: str, others: Mapping[str, Channel]
) -> Channel:
    if clock not in others:
        raise ConfigError(
            f"{channel.source} has no channel {clock!r} (--clock); its channels are "
            f"{', '.join(others) or 'none'}."
        )
    times, n = others[clock].timestamps(), len(channel.values)
    if len(times) < n or (len(times) > n and align == "exact"):
        pair = (
            " If samples were lost, choose which ones to use: --clock-align start or end."
            if len(times) > n
            else ""
        )
        raise DataError(
            f"{channel.source}: {channel.name} has {n:,} samples, but {clock} (--clock) has "
            f"{len(times):,} timestamps.{pair}"
        )
    times = times[len(times) - n :] if align == "end" else times[:n]
    return dataclasses.replace(channel, times=times)


def _counts_differ(n: int, stamps: int) -> str:
    more, fewer = max(n, stamps), min(n, stamps)
    times = f", {more // fewer} times as many" if fewer and more % fewer == 0 else ""
    if n > stamps:
        return f"{n:,} values{times} but {stamps:,} timestamps"
    return f"{stamps:,} timestamps{times} but {n:,} values"


def _advice(channel: Channel, others: Mapping[str, Channel]) -> str:
    """What to do, and a channel with right timestamps and about as many samples, if any."""
    n = len(channel.values)
    advice = (
        "Give the number of samples per second (--assume-rate HZ), name a channel with the "
        "right timestamps (--clock NAME), or, if the timestamps are right though irregular, use "
        "them as they are (--believe-stamps)."
    )
    for name, other in others.items():
        near = abs(len(other.values) - n) <= NEARLY_AS_MANY * n
        if name == channel.name or not n or not near:
            continue
        check = check_clock(other)
        if not check.problems:
            return (
                f"{name} of the same file has {len(other.values):,} samples, regular at "
                f"{check.rate:.4g} Hz over {check.span:,.0f} s. {advice}"
            )
    return advice
