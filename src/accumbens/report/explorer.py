"""The trials of a fit for the explorer: what was recorded, and what every model says of it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..figures.labels import choice_labels, outcome_label
from ..models.catalogue import named_fits
from ..models.disrnn import DisRNN
from ..run.fit.labels import labels_of
from ..trials import TrialNames
from .networks import networks
from .payload import Payload
from .recorded import Recorded
from .records import Records

MOST_CONDITIONS = 6
"""Kinds of outcome that sliders and rules are drawn for; the most frequent ones of many."""


def explorer(records: Records, payload: Payload) -> dict[str, Any] | None:
    """What the header says of the trials of a run; None where it recorded none."""
    trials = Recorded.of(records)
    if not trials.explorable or trials.frame is None:
        return None
    frame = trials.frame
    code = {choice: i for i, choice in enumerate(trials.choices)}
    choice = frame[trials.choice].map(code).fillna(-1).to_numpy(np.int8)
    latest = frame[trials.trial].to_numpy()
    columns: dict[str, Any] = {}

    def column(name: str) -> str:
        columns.setdefault(name, payload.array(_numbers(frame[name])))
        return name

    names = TrialNames(outcomes=trials.outcomes, choices=trials.choices)
    metrics, subjects = records.metrics, records.about.get("subjects")
    found: dict[str, Any] = {
        "choice": payload.array(choice),
        "trial": payload.array(latest.astype(np.int32)),
        "instructed": payload.array(
            frame[trials.instructed].to_numpy(np.int8) if trials.instructed
            else np.zeros(len(frame), np.int8)
        ),
        "choices": list(choice_labels(names)),
        "outcomes": [column(name) for name in trials.outcomes],
        "signals": [column(name) for name in trials.signals],
        "contexts": [column(name) for name in trials.contexts if _is_numeric(frame[name])],
        "conditions": _conditions(frame, trials),
        "sessions": _sessions(frame, trials, subjects),
        "models": _models(frame, trials, metrics, column),
        "columns": columns,
    }  # fmt: skip
    found["open"] = metrics.get("open_latents", [])
    if "disrnn" in metrics["models"]:
        model = records.result.disrnn
        if isinstance(model, DisRNN):
            found["networks"] = networks(model, payload)
    return found


def _sessions(frame: Any, trials: Recorded, subjects: list[str] | None) -> list[Any]:
    """Where each session's rows are. `number`: of its animal, as the models know it."""
    whose, which = frame[trials.subject].astype(str), frame[trials.session].astype(str)
    new = (whose != whose.shift()) | (which != which.shift())
    starts = np.flatnonzero(new.to_numpy())
    order = subjects or list(dict.fromkeys(whose))
    number = {str(name): i for i, name in enumerate(order)}
    ends = [*starts[1:].tolist(), len(frame)]
    held_out = frame["held_out"].to_numpy()
    return [
        {"subject": whose.iloc[a], "session": which.iloc[a], "start": a, "length": b - a,
         "held_out": bool(held_out[a]), "number": number.get(whose.iloc[a], 0)}
        for a, b in zip(starts.tolist(), ends, strict=True)
    ]  # fmt: skip


def _models(frame: Any, trials: Recorded, metrics: dict[str, Any], column) -> list[Any]:
    label, fits, found = labels_of(metrics), named_fits(), []
    for name in metrics["models"]:
        start = f"{name}."
        own = [c for c in frame.columns if c.startswith(start)]
        p = [f"{start}p_{code}" for code in trials.choices]
        p = p if all(c in own for c in p) else []
        signals = {s: c for s in trials.signals if (c := _long_or_short(start, s, own, p))}
        latents = [c for c in own if c not in p and c not in signals.values()]
        found.append({
            "name": name,
            "label": label(name),
            "colour": fits[name].model.colour if name in fits else "#666666",
            "p": [column(c) for c in p],
            "signals": {s: column(c) for s, c in signals.items()},
            "latents": {c.removeprefix(start).removeprefix("latent."): column(c) for c in latents},
        })  # fmt: skip
    return found


def _long_or_short(start: str, signal: str, own: list[str], p: list[str]) -> str | None:
    """The column of a predicted signal: its long name where another column has the short one."""
    found = (c for c in (f"{start}signal.{signal}", f"{start}{signal}") if c in own and c not in p)
    return next(found, None)


def _conditions(frame: Any, trials: Recorded) -> list[dict[str, Any]]:
    """The outcomes that came, the most frequent first, in words."""
    made = frame.loc[frame[trials.choice].notna(), list(trials.outcomes)]
    common = made.value_counts().head(MOST_CONDITIONS).index.tolist()
    values = sorted((tuple(map(float, np.atleast_1d(v))) for v in common), reverse=True)
    return [{"values": list(v), "label": outcome_label(trials.outcomes, v)} for v in values]


def _is_numeric(values: Any) -> bool:
    return values.dtype.kind in "biuf"


def _numbers(values: Any) -> np.ndarray:
    """Numbers as stored: single precision where they are, else double."""
    return values.to_numpy(np.float32 if values.dtype == np.float32 else np.float64)
