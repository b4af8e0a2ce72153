"""One session, trial by trial: choices, outcomes, latents, predicted and measured signals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...errors import ConfigError
from ...models.base import Model
from ...models.disrnn import DisRNN, open_latents
from ...trials import MISSED, Trials
from ...unrolling import choice_log_likelihood, unroll
from ..labels import choice_labels, counted, outcome_label, printed, signal_label, symbol
from ..rows import column
from ..style import (
    BLACK,
    CHOICE_COLOURS,
    GREY,
    LATENT_COLOURS,
    MEASURED,
    PAGE_MM,
    PREDICTED,
    lay_out,
    styled,
)

MAX_TRIALS, MAX_LATENTS, MAX_SIGNALS = 300, 6, 3
"""What fits on a page."""


class SignalFit(NamedTuple):
    """Over the trials drawn: Pearson's r (NaN where undefined), mean squared error, trials."""

    r: float
    mse: float
    n_trials: int


class ExampleSessionData(NamedTuple):
    """The trials of one session.

    trials: number, choice (in words, empty where missed), instructed, `p <choice>`, the outcomes,
    reward probabilities, latents before the trial, `predicted <signal>`, `measured <signal>`.
    The other fields name these columns.
    """

    trials: pd.DataFrame
    label: str
    choices: tuple[str, ...]
    outcomes: tuple[str, ...]
    arms: tuple[str, ...]
    latents: tuple[str, ...]
    signals: tuple[str, ...]
    fits: dict[str, SignalFit]
    caption: str

    def table(self) -> pd.DataFrame:
        return self.trials


def example_session_data(
    model: Model,
    trials: Trials,
    session: int | None = None,
    *,
    signals: Sequence[str] | None = None,
    max_trials: int = MAX_TRIALS,
) -> ExampleSessionData:
    """Any model along one session, each trial given the trials before it.

    session: its number in `trials`; by default the one of median likelihood per choice.
    signals: which to show; by default the first of those that the model predicts.
    Arm reward probabilities are the context columns with "prob" in their names, if there is one
    for each choice. Raises ConfigError for an unknown session or signal.
    """
    said = unroll(model, trials)
    if session is None:
        session, why = (
            _median_session(np.asarray(said.choice_logits), trials),
            ", the session of median fit",
        )
    else:
        why = ""
    if not 0 <= session < trials.n_sessions:
        raise ConfigError(
            f"There is no session number {session}; the {trials.n_sessions} sessions are numbered "
            "from 0."
        )
    predicted_names = trials.names.signals if model.n_signals else ()
    wanted = predicted_names[:MAX_SIGNALS] if signals is None else tuple(signals)
    unknown = [name for name in wanted if name not in predicted_names]
    if unknown:
        raise ConfigError(
            f"The model does not predict the signal {', '.join(unknown)}; it predicts "
            f"{', '.join(predicted_names) or 'none'}."
        )
    n_all = int(trials.length[session])
    n = min(n_all, max_trials)
    here = (session, slice(0, n))
    labels, valid = choice_labels(trials.names), trials.valid[here]
    made = trials.choice[here]
    columns: dict[str, object] = {
        "number": trials.number[here],
        "choice": [labels[c] if c != MISSED else "" for c in made],
        "instructed": trials.instructed[here],
    }
    p = np.asarray(jax.nn.softmax(said.choice_logits[here], axis=-1))
    columns |= {f"p {label}": p[:, i] for i, label in enumerate(labels)}
    outcome = np.where(valid[:, None], trials.outcome[here], np.nan)
    columns |= {name: outcome[:, i] for i, name in enumerate(trials.names.outcomes)}
    arms = _arms(trials)
    for name in arms:
        columns[name] = trials.context[here][:, trials.names.contexts.index(name)]
    latents = _latents(model, tuple(said.latents))
    n_latents, latents = len(latents), latents[:MAX_LATENTS]
    columns |= {name: said.latents[name][here] for name in latents}
    fits = {}
    for name in wanted:
        i = trials.names.signals.index(name)
        predicted = np.where(valid, said.signals[here][:, i], np.nan)
        measured = trials.signal[here][:, i]
        columns |= {f"predicted {name}": predicted, f"measured {name}": measured}
        fits[name] = _fit(predicted, np.where(trials.scored[here], measured, np.nan))
    n_missed = int((~valid).sum())
    caption = f"Session {trials.session_labels[session]}{why}: {counted(n, 'trial')}"
    caption += f" (of {n_all:,})" if n < n_all else ""
    caption += f", {n_missed} missed" if n_missed else ""
    caption += "."
    for what, left_out in (
        ("signals", len(predicted_names) - len(wanted)),
        ("latents", n_latents - len(latents)),
    ):
        caption += f" {left_out} more {what} not shown." if left_out else ""
    return ExampleSessionData(
        pd.DataFrame(columns), trials.session_labels[session], labels, trials.names.outcomes, arms,
        latents, wanted, fits, caption,
    )  # fmt: skip


def _median_session(logits: Float[np.ndarray, "session trial choice"], trials: Trials) -> int:
    log_p = np.asarray(choice_log_likelihood(jnp.asarray(logits), trials.batch()))
    n = trials.scored.sum(1)
    mean = np.where(n > 0, log_p.sum(1) / np.maximum(n, 1), -np.inf)
    order = np.argsort(mean, kind="stable")
    order = order[np.isfinite(mean[order])] if np.isfinite(mean).any() else order
    return int(order[len(order) // 2])


def _arms(trials: Trials) -> tuple[str, ...]:
    """Context columns with the arms' reward probabilities, in the order of the choices."""
    arms = tuple(name for name in trials.names.contexts if "prob" in name.lower())
    if len(arms) != trials.n_choices:
        return ()
    sides = ["left", "right"]
    named = [next((s for s in sides if s in arm.lower()), "") for arm in arms]
    if sorted(named) == sides and set(choice_labels(trials.names)) == set(sides):
        return tuple(arms[named.index(label)] for label in choice_labels(trials.names))
    return arms


def _latents(model: Model, names: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(model, DisRNN):
        return tuple(model.latent_names[k] for k in open_latents(model))
    return names


def _fit(predicted: Float[np.ndarray, " trial"], measured: Float[np.ndarray, " trial"]):
    both = np.isfinite(predicted) & np.isfinite(measured)
    x, y = predicted[both], measured[both]
    if not len(x):
        return SignalFit(float("nan"), float("nan"), 0)
    varies = len(x) > 1 and np.ptp(x) > 0 and np.ptp(y) > 0
    r = float(np.corrcoef(x, y)[0, 1]) if varies else float("nan")
    return SignalFit(r, float(np.mean((x - y) ** 2)), len(x))


@styled
def draw_example_session(data: ExampleSessionData, fig: Figure) -> None:
    """Panels above one another along the session's trials."""
    several = len(data.outcomes) > 1
    n_rows = len(data.choices) + (len(data.outcomes) if several else 0)
    heights = {"choices": 5.0 + 4.0 * n_rows}
    if data.arms:
        heights["arms"] = 13.0
    heights["p"] = 17.0
    if data.latents:
        heights["latents"] = 20.0
    heights |= {f"signal {name}": 20.0 for name in data.signals}
    lay_out(fig, PAGE_MM, 22 + 1.12 * sum(heights.values()), data.caption)
    axes = fig.subplots(
        len(heights), 1, sharex=True, squeeze=False,
        gridspec_kw={"height_ratios": list(heights.values())},
    )  # fmt: skip
    panel = dict(zip(heights, axes[:, 0], strict=True))
    table, x = data.trials, column(data.trials, "number")
    _draw_choices(panel["choices"], data)
    if data.arms:
        for i, arm in enumerate(data.arms):
            colour = CHOICE_COLOURS[i % len(CHOICE_COLOURS)]
            panel["arms"].step(x, column(table, arm), where="mid", linewidth=1.0, color=colour,
                               label=signal_label(arm))  # fmt: skip
        panel["arms"].set_ylabel("reward\nprobability")
        _probability_axis(panel["arms"])
        _legend(panel["arms"])
    shown = range(1, len(data.choices)) if len(data.choices) == 2 else range(len(data.choices))
    for i in shown:
        label = data.choices[i]
        colour = BLACK if len(data.choices) == 2 else CHOICE_COLOURS[i % len(CHOICE_COLOURS)]
        panel["p"].plot(
            x, column(table, f"p {label}"), color=colour, linewidth=0.9, label=printed(label)
        )
    panel["p"].axhline(1 / len(data.choices), color=GREY, linewidth=0.5, linestyle=":")
    panel["p"].set_ylabel(
        printed(f"p({data.choices[-1]})") if len(shown) == 1 else "choice\nprobability"
    )
    _probability_axis(panel["p"])
    if len(shown) > 1:
        _legend(panel["p"])
    if data.latents:
        for i, name in enumerate(data.latents):
            panel["latents"].plot(x, column(table, name), linewidth=0.9, label=symbol(name),
                                  color=LATENT_COLOURS[i % len(LATENT_COLOURS)])  # fmt: skip
        panel["latents"].set_ylabel("latents")
        _legend(panel["latents"])
    for name in data.signals:
        _draw_signal(panel[f"signal {name}"], data, name)
    axes[-1, 0].set_xlabel("trial")
    spare = max(1.0, 0.01 * float(np.ptp(x)))
    axes[-1, 0].set_xlim(x.min() - spare, x.max() + spare)
    fig.align_ylabels(list(axes[:, 0]))


def _draw_choices(ax: Axes, data: ExampleSessionData) -> None:
    """A row of ticks for each choice; tall if there was an outcome, short if there was none."""
    table, x = data.trials, column(data.trials, "number")
    several = len(data.outcomes) > 1
    lowest = -len(data.outcomes) if several else 0
    for i, label in enumerate(data.choices):
        made = column(table, "choice") == label
        paid = column(table, data.outcomes[0]) > 0 if len(data.outcomes) == 1 else made
        half = np.where(paid, 0.44, 0.17)[made]
        forced = column(table, "instructed")[made].astype(bool)
        colour = CHOICE_COLOURS[i % len(CHOICE_COLOURS)]
        for which, alpha in ((~forced, 1.0), (forced, 0.4)):
            ax.vlines(x[made][which], (i - half)[which], (i + half)[which], color=colour,
                      linewidth=0.9, alpha=alpha)  # fmt: skip
    for j, name in enumerate(data.outcomes if several else ()):
        came = column(table, name) > 0
        ax.plot(x[came], np.full(came.sum(), -1.0 - j), "|", color=BLACK, markersize=4)
    missed = column(table, "choice") == ""
    ax.plot(x[missed], np.full(missed.sum(), (len(data.choices) - 1) / 2), "x", color=GREY,
            markersize=3, markeredgewidth=0.7)  # fmt: skip
    rows = [*range(len(data.choices)), *(-1 - j for j in range(-lowest))]
    ax.set_yticks(rows, [signal_label(name) for name in (*data.choices, *data.outcomes * several)])
    ax.set_ylim(lowest - 0.6, len(data.choices) - 0.4)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    words = []
    if len(data.outcomes) == 1:
        came, none = (outcome_label(data.outcomes, [v]) for v in (1.0, 0.0))
        words = [f"tall: {came}", f"short: {none}"]
    if column(table, "instructed").any():
        words.append("pale: instructed")
    if missed.any():
        words.append("×: missed")
    ax.set_title(", ".join(words), fontsize=6.5, loc="left", color="#444444")


def _draw_signal(ax: Axes, data: ExampleSessionData, name: str) -> None:
    x, fit = column(data.trials, "number"), data.fits[name]
    measured, predicted = (
        column(data.trials, f"{kind} {name}") for kind in ("measured", "predicted")
    )
    ax.plot(x, measured, color=MEASURED, linewidth=0.7, marker="o", markersize=1.6,
            label="measured")  # fmt: skip
    ax.plot(x, predicted, color=PREDICTED, linewidth=0.8, label="predicted")
    ax.set_ylabel(signal_label(name))
    if fit.n_trials:
        r = "r undefined" if np.isnan(fit.r) else f"r = {fit.r:.2f}"
        words = f"{r}, mean squared error {fit.mse:.3g} ({counted(fit.n_trials, 'trial')})"
    else:
        words = "no trial with this signal"
    ax.set_title(printed(words), fontsize=6.5, loc="left", color="#444444")
    _legend(ax)


def _probability_axis(ax: Axes) -> None:
    ax.set_ylim(-0.04, 1.04)
    ax.set_yticks([0, 0.5, 1])


def _legend(ax: Axes) -> None:
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.4, borderaxespad=0.4)
