"""Posterior predictive curves: how the animals choose, and how models do in their sessions."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...credit.predictive.check import PredictiveCheck
from ..labels import counted, model_label
from ..rows import column, combinations, pick
from ..style import MEASURED, PAGE_MM, PALE, lay_out, model_looks, styled

ANIMALS = "animals"
_TITLES = {
    "switching": "Switching",
    "reversals": "Reversals of the best choice",
    "history": "History regression",
}
_Y = {
    "switching": "probability of switching",
    "reversals": "probability of the new best choice",
    "history": "weight (log-odds)",
}


class PredictiveCheckData(NamedTuple):
    """The rows of `PredictiveCheck.to_frame`, and what the caption says."""

    rows: pd.DataFrame
    caption: str

    def table(self) -> pd.DataFrame:
        return self.rows


def predictive_check_data(check: PredictiveCheck, words: str = "Data") -> PredictiveCheckData:
    """The numbers of a predictive check. words: what the sessions are, `Held-out data`."""
    data = ", ".join(
        (
            counted(len(check.subjects), "subject"),
            counted(check.n_sessions, "session"),
            counted(check.n_trials, "trial") + " with a choice",
        )
    )
    counts = check.animals["reversals"].n.max() if "reversals" in check.animals else 0
    caption = (
        f"{words}: {data}. Grey: animals, mean over subjects and its standard error; pale: each "
        "subject. "
        f"Colours: models in the same sessions, mean and central 95 % of "
        f"{counted(check.n_repeats, 'simulated cohort')}. Same letter: same choice; capital: "
        "rewarded (Ab: a rewarded choice, then another without reward)."
    )
    if counts:
        caption += " A block begins at 0."
    notes = " ".join(check.notes.values())
    return PredictiveCheckData(check.to_frame(), f"{caption} {notes}".strip())


@styled
def draw_predictive_check(data: PredictiveCheckData, fig: Figure) -> None:
    """A panel for each curve: the animals in grey, each model in its colour."""
    rows = data.rows
    curves = [name for (name,) in combinations(rows, "curve")]
    models = [name for (name,) in combinations(rows, "of") if name != ANIMALS]
    looks = model_looks(models)
    lay_out(fig, PAGE_MM, 82, data.caption)
    if not curves:
        return
    axes = np.atleast_1d(fig.subplots(1, len(curves)))
    for ax, curve in zip(axes, curves, strict=True):
        here = pick(rows, curve=curve)
        labels = [point for (point,) in combinations(here, "point")]
        x = _places(curve, labels)
        for subject in dict.fromkeys(column(pick(here, of=ANIMALS), "subject").tolist()):
            if subject:
                one = pick(here, of=ANIMALS, subject=subject)
                _line(ax, x, column(one, "value"), curve, color=PALE, linewidth=0.6)
        for k, model in enumerate(models):
            one, look = pick(here, of=model), looks[model]
            at = x + _shift(curve, k, len(models))
            low, high = column(one, "low"), column(one, "high")
            if curve == "reversals":
                ax.fill_between(at, low, high, color=look.colour, alpha=0.2, linewidth=0)
            else:
                ax.vlines(at, low, high, color=look.colour, linewidth=1.0)
            _line(ax, at, column(one, "value"), curve, color=look.colour, marker=look.marker,
                  markersize=2.8, markerfacecolor=look.colour if look.filled else "white",
                  label=model_label(model), zorder=3)  # fmt: skip
        own = pick(here, of=ANIMALS, subject="")
        value = column(own, "value")
        ax.vlines(x, column(own, "low"), column(own, "high"), color=MEASURED, linewidth=2.2)
        _line(ax, x, value, curve, color=MEASURED, marker="o", markersize=5, linewidth=2.2,
              label="animals", zorder=2)  # fmt: skip
        _dress(ax, curve, labels, x)
    handles, names = axes[0].get_legend_handles_labels()
    order = [len(names) - 1, *range(len(names) - 1)]
    fig.legend(
        [handles[i] for i in order], [names[i] for i in order], loc="outside upper center",
        ncols=min(len(names), 7),
    )  # fmt: skip


def _places(curve: str, labels: list[str]):
    """Where the points stand: trials for reversals, one after another otherwise, in groups."""
    if curve == "reversals":
        return np.array([float(label) for label in labels])
    kinds = [_kind(curve, label) for label in labels]
    gaps = np.cumsum([0, *(a != b for a, b in itertools.pairwise(kinds))])
    return np.arange(len(labels)) + 0.6 * gaps


def _kind(curve: str, label: str) -> str:
    """What parts points into groups: the same choice twice or not, or the type of outcome."""
    if curve == "history":
        return label.rsplit(" ", 1)[0]
    return "same" if label[0].lower() == label[1].lower() else "other"


def _shift(curve: str, k: int, n: int) -> float:
    """Models stand beside the animals' point, not on it."""
    return 0.0 if curve == "reversals" else 0.12 + 0.5 * k / max(n, 1)


def _line(ax: Axes, x, y, curve: str, **style) -> None:
    """Points joined by lines, broken where another group begins."""
    breaks = np.flatnonzero(np.diff(x) > 1.2) + 1
    label, marker = style.pop("label", None), style.get("marker")
    for i, part in enumerate(np.split(np.arange(len(x)), breaks)):
        named = {"label": label} if i == 0 and label is not None else {}
        line = "none" if curve == "switching" and marker else "-"
        ax.plot(x[part], y[part], linestyle=line, **style, **named)


def _dress(ax: Axes, curve: str, labels: list[str], x) -> None:
    ax.set_title(_TITLES[curve])
    ax.set_ylabel(_Y[curve])
    if curve == "switching":
        ax.set_xticks(x + 0.2, labels)
        ax.set_xlabel("last two choices and rewards")
        ax.set_ylim(0, None)
    elif curve == "reversals":
        ax.set_xlabel("trials from the reversal")
        ax.axvline(-0.5, color="#AAAAAA", linewidth=0.6, zorder=0)
        ax.set_ylim(0, 1)
    else:
        ax.set_xticks(x + 0.2, [label.rsplit(" ", 1)[1] for label in labels])
        ax.set_xlabel("past choices (lag)")
        ax.axhline(0, color="#AAAAAA", linewidth=0.6, zorder=0)
        kinds = [_kind(curve, label) for label in labels]
        for kind in dict.fromkeys(kinds):
            middle = float(np.mean([at for at, of in zip(x, kinds, strict=True) if of == kind]))
            words = "no reward" if kind == "none" else kind
            ax.text(middle + 0.2, 0.98, words, transform=ax.get_xaxis_transform(), ha="center",
                    va="top", fontsize=6.5, color="#444444")  # fmt: skip
        ax.margins(y=0.12)
