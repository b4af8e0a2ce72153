"""One session of distractor rewards: schedule, choices, rewards: Figure 1c of Miller et al."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from ...credit.schedule import Schedule, depends_on_choice, known_probabilities
from ...errors import ConfigError, DataError
from ...trials import MISSED, Trials
from ..labels import choice_labels, counted, printed, signal_label
from ..rows import column
from ..style import BLACK, CHOICE_COLOURS, GREY, PAGE_MM, lay_out, styled
from .history_weights import outcome_colour

MAX_TRIALS = 300
"""What fits on a page."""

WINDOW = 15
"""Choices in the running mean, half of them before and half after."""

MARKS = "osDv"
"""Markers of the first outcome (controllable reward), the second (distractor), and further ones."""


class CreditSessionData(NamedTuple):
    """The trials of one session.

    trials: number, choice (in words, empty where missed), instructed, running_share (of the second
    choice), the outcomes, and the columns of `schedule`. schedule: for each probability known, its
    column ("<outcome> after <choice>" for the first outcome and others that depend on the choice,
    "<outcome> probability" for the rest). window: choices in the running mean.
    """

    trials: pd.DataFrame
    label: str
    choices: tuple[str, ...]
    outcomes: tuple[str, ...]
    schedule: tuple[str, ...]
    window: int
    caption: str

    def table(self) -> pd.DataFrame:
        return self.trials


def credit_session_data(
    trials: Trials,
    session: int | None = None,
    *,
    schedule: Schedule | None = None,
    window: int = WINDOW,
    max_trials: int = MAX_TRIALS,
) -> CreditSessionData:
    """One session of two choices, with any number of outcomes of 0 or 1.

    session: its number in `trials`; by default the one with the median share of trials on which
    the first outcome came. schedule: the rewards' probabilities; by default the context columns
    that the tasks make (`<outcome>_probability_<choice>`, or `<outcome>_probability`).
    running_share: mean over the `window` choices around each choice, fewer at the ends.
    Raises ConfigError for an unknown session or a window without a choice; DataError when there
    are not two choices.
    """
    if trials.n_choices != 2:
        raise DataError(
            f"The figure needs trials with two choices, but these have {trials.n_choices}. Select "
            "trials with two choices."
        )
    if window < 1:
        raise ConfigError(f"window is {window}; it must be at least 1 (choice).")
    why = ""
    if session is None:
        session = _median_session(trials)
        why = f", the session of the median {trials.names.outcomes[0]} rate" * (
            trials.n_sessions > 1
        )
    if not 0 <= session < trials.n_sessions:
        raise ConfigError(
            f"There is no session number {session}; the {trials.n_sessions} sessions are numbered "
            "from 0."
        )
    n_all = int(trials.length[session])
    n = min(n_all, max_trials)
    here = (session, slice(0, n))
    labels, valid, made = choice_labels(trials.names), trials.valid[here], trials.choice[here]
    columns: dict[str, object] = {
        "number": trials.number[here],
        "choice": [labels[c] if c != MISSED else "" for c in made],
        "instructed": trials.instructed[here],
        "running_share": _running_share(made == 1, valid, window),
    }
    outcome = np.where(valid[:, None], trials.outcome[here], np.nan)
    columns |= {name: outcome[:, i] for i, name in enumerate(trials.names.outcomes)}
    known = _probabilities(trials, schedule)
    columns |= {name: p[here] for name, p in known.items()}
    n_missed = int((~valid).sum())
    caption = f"Session {trials.session_labels[session]}{why}: {counted(n, 'trial')}"
    caption += f" (of {n_all:,})" if n < n_all else ""
    caption += f", {n_missed} missed" if n_missed else ""
    caption += "".join(f", {int((outcome[:, i] > 0).sum())} {name}"
                       for i, name in enumerate(trials.names.outcomes))  # fmt: skip
    caption += f". Line: share of {labels[1]} among the {window} nearest choices."
    return CreditSessionData(
        pd.DataFrame(columns), trials.session_labels[session], labels, trials.names.outcomes,
        tuple(known), window, caption,
    )  # fmt: skip


def stored_session(
    trials: pd.DataFrame, outcomes: Sequence[str], caption: str = ""
) -> CreditSessionData:
    """The numbers of a session that were written to a table before.

    trials: as `CreditSessionData.table` gives it. outcomes: names of their columns.
    """
    named = [c for c in trials if isinstance(c, str) and c not in (*_OWN, *outcomes)]
    after = f"{outcomes[0]} after "
    labels = [name.removeprefix(after) for name in named if name.startswith(after)]
    if len(labels) != 2:
        labels = sorted({str(c) for c in trials["choice"] if isinstance(c, str) and c})
        labels = [*labels, "choice 0", "choice 1"][:2]
    whole = trials.assign(choice=trials["choice"].astype(object).fillna("").astype(str))
    return CreditSessionData(
        whole, "", (labels[0], labels[1]), tuple(outcomes), tuple(named), WINDOW,
        caption or f"A session: {counted(len(trials), 'trial')}. Line: share of {labels[1]} among "
        f"the {WINDOW} nearest choices.",
    )  # fmt: skip


_OWN = ("number", "choice", "instructed", "running_share")
"""Columns of every session."""


def _median_session(trials: Trials) -> int:
    came = (np.where(trials.valid, trials.outcome[..., 0], 0.0) > 0).sum(1)
    n = trials.valid.sum(1)
    rate = np.where(n > 0, came / np.maximum(n, 1), np.nan)
    order = np.argsort(rate, kind="stable")  # NaN last
    return int(order[(max(int((n > 0).sum()), 1) - 1) // 2])


def _running_share(
    second: Bool[np.ndarray, " trial"], valid: Bool[np.ndarray, " trial"], window: int
) -> Float[np.ndarray, " trial"]:
    """NaN on missed trials, which the mean skips."""
    chosen = second[valid].astype(float)
    before = np.arange(chosen.size) - window // 2
    total = np.concatenate([[0.0], np.cumsum(chosen)])
    first, last = np.maximum(before, 0), np.minimum(before + window, chosen.size)
    share = np.full(len(second), np.nan)
    share[valid] = (total[last] - total[first]) / np.maximum(last - first, 1)
    return share


def _probabilities(
    trials: Trials, schedule: Schedule | None
) -> dict[str, Float[np.ndarray, "session trial"]]:
    """The known probabilities by their column in the table: of the first outcome, and of others
    where it differs, after each choice."""
    if schedule is None:
        known = known_probabilities(trials)
    else:
        known = {name: schedule.of(name) for name in schedule.outcomes}
    found = {}
    for name, p in known.items():
        if name == trials.names.outcomes[0] or depends_on_choice(p):
            for i, label in enumerate(choice_labels(trials.names)):
                found[f"{name} after {label}"] = p[..., i]
        else:
            found[f"{name} probability"] = p[..., 0]
    return found


@styled
def draw_credit_session(data: CreditSessionData, fig: FigureBase) -> None:
    """Above the probabilities of the rewards, below each choice with the rewards that it got."""
    heights = [17.0] * bool(data.schedule) + [34.0 + 5.0 * len(data.outcomes)]
    lay_out(fig, PAGE_MM, 17 + 1.1 * sum(heights), data.caption)
    axes = fig.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    x = column(data.trials, "number")
    if data.schedule:
        _draw_schedule(axes[0], data)
    _draw_choices(axes[-1], data)
    axes[-1].set_xlabel("trial")
    spare = max(1.0, 0.01 * float(np.ptp(x)))
    axes[-1].set_xlim(x.min() - spare, x.max() + spare)
    fig.align_ylabels(list(axes))


def _draw_schedule(ax: Axes, data: CreditSessionData) -> None:
    x = column(data.trials, "number")
    looks: dict[str, dict[str, Any]] = {}
    for k, outcome in enumerate(data.outcomes):
        dashed = {"linestyle": (0, (4, 1.6)), "linewidth": 1.3} if k else {"linewidth": 1.1}
        looks[f"{outcome} probability"] = {"color": outcome_colour(1 << k), **dashed}
        for i, choice in enumerate(data.choices):
            looks[f"{outcome} after {choice}"] = {"color": CHOICE_COLOURS[i], **dashed}
    for name in data.schedule:
        label = signal_label(name.removesuffix(" probability"))
        ax.step(x, column(data.trials, name), where="mid", label=label, **looks[name])
    ax.set_ylabel("reward\nprobability")
    ax.set_ylim(-0.06, 1.06)
    ax.set_yticks([0, 0.5, 1])
    _legend(ax)


def _draw_choices(ax: Axes, data: CreditSessionData) -> None:
    """The running share between both rows of choices; outside these, the rewards of each choice."""
    table, x = data.trials, column(data.trials, "number")
    words = {label: signal_label(label) for label in data.choices}
    for i, (label, side, edge) in enumerate(zip(data.choices, (-1, 1), (0.0, 1.0), strict=True)):
        made = column(table, "choice") == label
        forced = column(table, "instructed").astype(bool)
        low, high = sorted((edge + side * 0.07, edge + side * 0.19))
        for which, alpha in ((made & ~forced, 1.0), (made & forced, 0.4)):
            ax.vlines(x[which], low, high, color=CHOICE_COLOURS[i], linewidth=0.9, alpha=alpha)
        for k, name in enumerate(data.outcomes):
            came = made & (column(table, name) > 0)
            row = edge + side * (0.28 + 0.12 * k)
            ax.plot(x[came], np.full(came.sum(), row), MARKS[k % len(MARKS)], markersize=2.0,
                    color=outcome_colour(1 << k), markeredgewidth=0,
                    label=signal_label(name) if i else None)  # fmt: skip
    shown = np.isfinite(column(table, "running_share"))
    ax.plot(x[shown], column(table, "running_share")[shown], color=BLACK, linewidth=1.0,
            label="running mean")  # fmt: skip
    ax.axhline(0.5, color=GREY, linewidth=0.5, linestyle=":", zorder=0)
    missed = column(table, "choice") == ""
    if missed.any():
        ax.plot(x[missed], np.full(missed.sum(), 0.5), "x", color=GREY, markersize=3,
                markeredgewidth=0.7, label="missed")  # fmt: skip
    if column(table, "instructed").any():
        ax.plot([], [], "|", color=BLACK, alpha=0.4, label="pale: instructed")
    reach = 0.28 + 0.12 * (len(data.outcomes) - 1) + 0.1
    ax.set_ylim(-reach, 1 + reach)
    ax.set_yticks([-0.13, 0, 0.5, 1, 1.13],
                  [words[data.choices[0]], "0", "0.5", "1", words[data.choices[1]]])  # fmt: skip
    for place, (tick, colour) in enumerate(
        zip(ax.yaxis.get_major_ticks(), (CHOICE_COLOURS[0], *[BLACK] * 3, CHOICE_COLOURS[1]),
            strict=True)
    ):  # fmt: skip
        tick.label1.set_color(colour)
        tick.tick1line.set_visible(place not in (0, 4))
    ax.spines["left"].set_bounds(0, 1)
    ax.set_ylabel(printed(f"share of {data.choices[1]}"))
    _legend(ax)


def _legend(ax: Axes) -> None:
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.8, borderaxespad=0.4)
