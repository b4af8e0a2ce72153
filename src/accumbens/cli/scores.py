"""Scores of models as a terminal shows them: one table, or one of choices and one of signals."""

from __future__ import annotations

from typing import Any

from ..run.fit.labels import labels_of, side_of, unit_of
from ..scoring.table1 import spec_of_error
from ..summary import interval_text
from .output import Output

WITH_INTERVALS, SHOWN = 4, 20
"""So many signals have a row for each model, with intervals; of more, each has a row of R2, and so
many of them are shown."""


def print_scores(out: Output, metrics: dict[str, Any], which: str, sessions: int) -> None:
    """How well each model predicts. which: the sessions that are scored, in words; sessions: how
    many they are."""
    models = metrics["models"]
    signals = list(dict.fromkeys(s for m in models.values() for s in m["signal"]))
    over = unit_of(metrics)
    title = which + (f" (95 % intervals over {over})" if sessions > 1 else "")
    one = signals if len(signals) == 1 else []
    headings = ["model", "choice normalized likelihood ↑"]
    for signal in one:
        headings += [f"{signal} MSE ↓", "R2 ↑"]
    rows = []
    for name, model in models.items():
        choice = model["choice"]
        own = interval_text(
            choice["normalized_likelihood"], *choice["normalized_likelihood_interval"]
        )
        errors = [cell for signal in one for cell in _of_signal(models, name, signal)]
        rows.append([labels_of(metrics)(name), own, *errors])
    out.table(headings, rows, title=title)
    if len(signals) > 1:
        _print_signals(out, metrics, signals)


def print_differences(out: Output, metrics: dict[str, Any]) -> None:
    """Is it better? Each model less the first, on the same trials, with intervals and in words.

    metrics: of a fit. Runs of 0.1.0 recorded no differences, and nothing is printed for them.
    """
    found = [d for d in metrics.get("differences", []) if d["metric"] in DIFFERENCES]
    if not found:
        return
    over = unit_of(metrics)
    rows = [
        [labels_of(metrics)(d["model"]), d.get("signal") or "choices",
         DIFFERENCES[d["metric"]], interval_text(d["value"], d["low"], d["high"], spec="+.4g"),
         side_of(d)]
        for d in found[:SHOWN]
    ]  # fmt: skip
    reference = labels_of(metrics)(found[0]["reference"])
    title = f"Is it better than {reference}? Differences on the same trials (95 % over {over})"
    out.table(["model", "of", "measure", f"less {reference}", ""], rows, title=title)


DIFFERENCES = {"log_likelihood": "nats a trial ↑", "mse": "MSE ↓"}
"""Measures whose differences are printed: one for choices, one for signals."""


def _print_signals(out: Output, metrics: dict[str, Any], signals: list[str]) -> None:
    models = metrics["models"]
    own = {name: labels_of(metrics)(name) for name, m in models.items() if m["signal"]}
    if len(signals) <= WITH_INTERVALS:
        rows = [
            [signal, label, *_of_signal(models, name, signal)]
            for signal in signals
            for name, label in own.items()
        ]
        out.table(["signal", "model", "MSE ↓", "R2 ↑"], rows, title="Signals")
        return
    rows = [
        [signal, *(_of_signal(models, name, signal)[1] for name in own)]
        for signal in signals[:SHOWN]
    ]
    title = "R2 of each signal ↑ (errors and intervals: table1.csv)"
    out.table(["signal", *own.values()], rows, title=title)
    if len(signals) > SHOWN:
        out.say(f"... and {len(signals) - SHOWN:,} more signals")


def _of_signal(models: dict[str, Any], name: str, signal: str) -> tuple[str, str]:
    """A model's mean squared error of a signal with its interval, and R2."""
    scores = {key: model["signal"].get(signal) for key, model in models.items()}
    score = scores[name]
    if score is None:
        return "–", "–"
    spec = spec_of_error(max(s["mse"] or 0.0 for s in scores.values() if s))
    r2 = "–" if score["r2"] is None else f"{score['r2']:.3f}"
    return interval_text(score["mse"], *score["mse_interval"], spec=spec), r2
