"""Table 1, paired differences, and each animal's scores and parameters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ...run.fit.labels import labels_of, side_of, unit_of
from ...scoring.scored import which_trials
from ...scoring.table1 import spec_of_error
from ...summary import counted
from ..markup import Markup, joined, tag
from ..payload import Payload
from ..records import Records
from ..tables import interval, shown, table
from .shared import Section, counts

METRICS = {"normalized_likelihood": "normalized likelihood", "log_likelihood": "log likelihood "
           "(nats a trial)", "mse": "mean squared error", "r2": "R2"}  # fmt: skip


def scores_section(records: Records, payload: Payload, drawn: Markup) -> Section:
    """Table 1 with intervals and their unit, and differences of the same trials."""
    metrics = records.metrics
    models, data = metrics["models"], metrics["data"]
    label = labels_of(metrics)
    signals = signals_of(metrics)
    held_out = data["sessions_held_out"]
    over = unit_words(metrics)
    n = counts(data, sessions=held_out or data["sessions"], trials=data.get("choices_scored"))
    heads = ["model", "choice normalized likelihood ↑"]
    heads += [head for s in signals for head in (f"{s} MSE ↓", f"{s} R2 ↑")]
    rows = []
    largest = {
        s: max((m["signal"][s]["mse"] or 0.0 for m in models.values() if s in m["signal"]),
               default=0.0) for s in signals
    }  # fmt: skip
    for name, model in models.items():
        choice = model["choice"]
        row: list[Any] = [
            label(name),
            interval(choice["normalized_likelihood"], *choice["normalized_likelihood_interval"]),
        ]
        for signal in signals:
            score = model["signal"].get(signal)
            for metric, spec in (("mse", spec_of_error(largest[signal])), ("r2", ".3f")):
                known = (score[metric], *score[f"{metric}_interval"]) if score else (None,) * 3
                row.append(interval(*known, spec=spec))
        rows.append(row)
    which = "Held-out sessions" if held_out else "Fitted sessions; none was held out"
    caption = f"Table 1. {which}, {n} scored, with 95 % intervals {over}"
    parts = [
        table(payload, "table1", heads, rows, caption, numbers=records.text("table1.csv")),
        drawn,
        _differences(metrics, payload, label),
    ]
    if "scored_trials_hash" in data:
        parts.append(tag("p", which_trials(data["choices_scored"], data["scored_trials_hash"])))
    return Section("scores", "How well the models predict", joined(parts))


def _differences(metrics: dict[str, Any], payload: Payload, label: Any) -> Markup:
    """Is it better? Differences on the same trials."""
    rows = [
        [label(d["model"]), label(d["reference"]), d.get("signal") or "choices",
         METRICS.get(d["metric"], d["metric"]),
         interval(d["value"], d["low"], d["high"], spec="+.4g"), side_of(d)]
        for d in metrics.get("differences", [])
    ]  # fmt: skip
    if not rows:
        return Markup()
    caption = (
        f"Is it better? Paired differences on the same trials, with 95 % intervals "
        f"{unit_words(metrics)}: n = {metrics['data']['subjects']} animals, "
        f"{metrics['data']['sessions_held_out'] or metrics['data']['sessions']} sessions"
    )
    heads = ["model", "minus", "of", "measure", "difference", "in words"]
    return table(payload, "differences", heads, rows, caption)


def animals_section(records: Records, payload: Payload, drawn: Markup) -> Section:
    """Scores and parameters of each animal."""
    metrics = records.metrics
    models, label = metrics["models"], labels_of(metrics)
    animals = list(dict.fromkeys(a for m in models.values() for a in m.get("subjects", {})))
    parts = []
    heads = ["animal", "sessions", "choices"]
    heads += [f"{label(name)} normalized likelihood" for name in models]
    heads += [f"{label(name)} {signal} R2" for signal in signals_of(metrics) for name in models]
    rows = []
    for animal in animals:
        of = {name: m.get("subjects", {}).get(animal, {}) for name, m in models.items()}
        first: dict[str, Any] = next((each for each in of.values() if each), {})
        row: list[Any] = [animal, first.get("n_sessions"), first.get("n_choices")]
        row += [shown(each.get("normalized_likelihood")) for each in of.values()]
        row += [shown((each.get("r2") or {}).get(signal), 3)
                for signal in signals_of(metrics) for each in of.values()]  # fmt: skip
        rows.append(row)
    if rows:
        caption = f"Scored sessions of each animal: n = {counted(len(rows), 'animal')}"
        parts.append(table(payload, "animals", heads, rows, caption))
    for name, model in models.items():
        group = model["fit"].get("group")
        if group:
            parts.append(_group(name, label(name), group, payload))
    return Section("animals", "Each animal", joined(parts, drawn))


def _group(name: str, label: str, group: dict[str, Any], payload: Payload) -> Markup:
    """What the group's parameters are, as the fit recorded them."""
    keys = list(dict.fromkeys(key for of in group.values() for key, _ in _numbers(of)))
    rows = [[parameter, *(shown(dict(_numbers(of)).get(key)) for key in keys)]
            for parameter, of in group.items()]  # fmt: skip
    said = {"mean": "mean, unconstrained", "standard_error": "its standard error"}
    heads = ["parameter", *(said.get(key, key.replace("_", " ")) for key in keys)]
    return table(payload, f"group_{name}", heads, rows, f"{label}: the group's parameters")


def _numbers(of: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in of.items():
        if isinstance(value, dict):
            yield from _numbers(value, f"{prefix}{key} ")
        elif isinstance(value, list):
            for end, each in zip(("low", "high"), value, strict=False):
                yield f"{prefix}{key} {end}", each
        elif not isinstance(value, str):
            yield f"{prefix}{key}", value


def signals_of(metrics: dict[str, Any]) -> list[str]:
    """Names of the signals that any model was scored on."""
    return list(dict.fromkeys(s for m in metrics["models"].values() for s in m["signal"]))


def unit_words(metrics: dict[str, Any]) -> str:
    """What the intervals rest on, in words."""
    n = metrics["data"]["sessions_held_out"] or metrics["data"]["sessions"]
    if n < 2:
        return "(none: a single session)"
    if unit_of(metrics) == "animals":
        return "over animals (the unit of inference is the animal)"
    return "over sessions of these animals (they say nothing of other animals)"
