"""What a randomization test compared: observed statistics beside those of the redrawn rewards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...credit.answers import two_answers
from ...credit.randomization import Alternative, RandomizationTest
from ...errors import ConfigError
from ..labels import printed, shortened
from ..rows import column, joined, pick
from ..style import BLACK, GREY, PAGE_MM, PALE, lay_out, styled

GROUP = "mean over subjects"

MAX_LABELS = 30
"""Subjects named in one panel; with more, some go without their names."""

_SUMMARY = ("test", "subject", "observed", "null_mean", "null_low", "null_high", "p",
            "p_like_these", "resamples", "seed")  # fmt: skip
_HISTOGRAM = ("test", "bin_low", "bin_high", "count")


class NullDistributionsData(NamedTuple):
    """The numbers of some tests.

    summary: test, subject ("mean over subjects" for the group), observed (log-odds), null_mean,
    null_low and null_high (2.5th and 97.5th percentile of the null), p, p_like_these (of the mean,
    in animals like these; NaN elsewhere), resamples, seed.
    histogram: test, bin_low, bin_high, count of the group's null statistics.
    """

    summary: pd.DataFrame
    histogram: pd.DataFrame
    tests: tuple[str, ...]
    alternative: str
    caption: str

    def table(self) -> pd.DataFrame:
        columns = tuple(dict.fromkeys(_SUMMARY + _HISTOGRAM))
        parts = [part.reindex(columns=pd.Index(columns)) for part in (self.summary, self.histogram)]
        return joined(parts, columns)


def p_words(p: float) -> str:
    """ "p = 0.32", "p = 0.0005": two digits other than the zeros before them; NaN: none."""
    if np.isnan(p):
        return "no p: nothing to redraw"
    if p >= 0.095:
        return f"p = {p:.2f}"
    return f"p = {np.format_float_positional(p, precision=2, fractional=False, trim='-')}"


def p_like_these(test: RandomizationTest, alternative: Alternative = "greater") -> float | None:
    """The p-value of `test` in animals like these; None where there is none."""
    like = two_answers(test).like_these
    if like is None:
        return None
    return {"greater": like.p_greater, "less": 1 - like.p_greater}.get(alternative, like.p)


def both_p_words(these: float, like_these: float | None) -> str:
    """ "in these animals p = 0.0005; in animals like these p = 0.032"."""
    if like_these is None:
        return p_words(these)
    return f"in these animals {p_words(these)}; in animals like these {p_words(like_these)}"


def redrawn_words(tests: Sequence[RandomizationTest]) -> str:
    """On how many trials each test could redraw, in a sentence; "" where it is not known."""
    known = [(test.name, sum(test.redrawn)) for test in tests if test.redrawn is not None]
    if not known:
        return ""
    counts = "; ".join(f"{n:,} ({name})" for name, n in known)
    return f"Trials that a test can redraw: {counts}."


def null_distributions_data(
    tests: Sequence[RandomizationTest],
    caption: str = "",
    *,
    alternative: Alternative = "greater",
    n_bins: int = 40,
) -> NullDistributionsData:
    """Observed statistics, p-values and null distributions of subjects and of their mean.

    n_bins: of the histogram, over the range of the group's null statistics.
    Raises ConfigError for no test, two of one name, or an unknown alternative.
    """
    names = tuple(test.name for test in tests)
    if not names or len(set(names)) < len(names):
        raise ConfigError(f"Give one or more tests of different names, not {list(names)}.")
    summary, histogram = [], []
    for test in tests:
        group = (GROUP, test.observed.mean(), test.null.mean(1), test.group_p_value(alternative))
        each = zip(test.subjects, test.observed, test.null.T, test.p_values(alternative),
                   strict=True)  # fmt: skip
        like = p_like_these(test, alternative)
        for subject, value, null, p in (group, *each):
            low, high = np.percentile(null, [2.5, 97.5])
            beyond = like if subject == GROUP and like is not None else np.nan
            summary.append((test.name, subject, float(value), null.mean(), low, high, float(p),
                            beyond, len(null), test.seed))  # fmt: skip
        count, edges = np.histogram(group[2], bins=n_bins)
        histogram.append(
            pd.DataFrame({"test": test.name, "bin_low": edges[:-1], "bin_high": edges[1:],
                          "count": count})
        )  # fmt: skip
    caption = " ".join(filter(None, [redrawn_words(tests), caption]))
    return NullDistributionsData(
        pd.DataFrame(summary, columns=pd.Index(_SUMMARY)), joined(histogram, _HISTOGRAM), names,
        alternative, caption,
    )  # fmt: skip


@styled
def draw_null_distributions(data: NullDistributionsData, fig: Figure) -> None:
    """A column for each test: above the mean over subjects, below each subject by itself."""
    n_subjects = max(len(pick(data.summary, test=name)) - 1 for name in data.tests)
    below = min(12 + 3.4 * n_subjects, 150.0)
    sided = {"greater": "one-sided (greater)", "less": "one-sided (less)"}
    caption = (
        "Grey: statistics of the data with redrawn rewards (below: their middle 95 %). Dots: "
        "observed, filled where p ≤ 0.05; compare with grey, not with 0. p (in these animals) = "
        f"(1 + as extreme) / (1 + resamples), {sided.get(data.alternative, data.alternative)}; in "
        f"animals like these: t over animals of observed minus null mean. {data.caption}"
    )
    width = min(PAGE_MM, 92.0 * len(data.tests))
    lay_out(fig, width, 66 + below, caption)
    axes = fig.subplots(2, len(data.tests), squeeze=False, height_ratios=[38, below])
    for (above, under), name in zip(axes.T, data.tests, strict=True):
        here = pick(data.summary, test=name)
        group = here.iloc[0]
        _draw_histogram(above, pick(data.histogram, test=name), float(group["observed"]))
        like = None if np.isnan(group["p_like_these"]) else float(group["p_like_these"])
        n = int(group["resamples"])
        words = f"{n:,} resamples (smallest p {1 / (1 + n):.2g}), seed {group['seed']}"
        above.set_title(printed(f"{name}\n{both_p_words(group['p'], like)}\n{words}"))
        above.set_xlabel(f"{GROUP} (log-odds)")
        _draw_subjects(under, here.iloc[1:])
        under.set_xlabel("each subject (log-odds)")
    axes[0, 0].set_ylabel("resamples")


def _draw_histogram(ax: Axes, bins: pd.DataFrame, observed: float) -> None:
    low, high = column(bins, "bin_low"), column(bins, "bin_high")
    ax.bar(low, column(bins, "count"), width=high - low, align="edge", color=GREY, linewidth=0)
    top = 1.3 * max(int(column(bins, "count").max()), 1)
    ax.set_ylim(0, top)
    ax.axvline(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    ax.plot([observed, observed], [0, 0.9 * top], color=BLACK, linewidth=1.2)
    ax.plot([observed], [0.9 * top], "o", color=BLACK, markersize=4)
    ends = (low[0], high[-1], observed, 0.0)
    spare = 0.08 * (max(ends) - min(ends))
    ax.set_xlim(min(ends) - spare, max(ends) + spare)
    near_right = observed > (max(ends) + min(ends)) / 2
    ax.annotate(f"observed {observed:.2f}".replace("-", "−"), (observed, 0.9 * top),
                xytext=(-5 if near_right else 5, 0), textcoords="offset points", va="center",
                ha="right" if near_right else "left", fontsize=6.5)  # fmt: skip
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))


def _draw_subjects(ax: Axes, rows: pd.DataFrame) -> None:
    at, observed, p = np.arange(len(rows)), column(rows, "observed"), column(rows, "p")
    ax.hlines(at, column(rows, "null_low"), column(rows, "null_high"), color=PALE, linewidth=4)
    ax.plot(column(rows, "null_mean"), at, "|", color=GREY, markersize=5)
    for which, face in ((p <= 0.05, BLACK), (p > 0.05, "white")):
        ax.plot(observed[which], at[which], "o", color=BLACK, markerfacecolor=face,
                markeredgewidth=0.8, markersize=3.8)  # fmt: skip
    ax.axvline(0, color="#B0B0B0", linewidth=0.6, zorder=0)
    step = -(-len(rows) // MAX_LABELS)
    ax.set_yticks(at[::step], [shortened(str(s)) for s in column(rows, "subject")[::step]])
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.tick_params(axis="y", length=0)
    for row, value in zip(at[::step], p[::step], strict=True):
        ax.text(1.01, row, p_words(float(value)), va="center", fontsize=6, color="#444444",
                transform=ax.get_yaxis_transform())  # fmt: skip
    ax.margins(x=0.06)
