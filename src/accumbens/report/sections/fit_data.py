"""Which data a fit rests on: animals, sessions, trials, and what was left out and why."""

from __future__ import annotations

from typing import Any

from ...run.fit.labels import labels_of
from ...summary import counted
from ..markup import Markup, joined, tag
from ..payload import Payload
from ..recorded import Recorded
from ..records import Records
from ..tables import shown, table, warnings
from .shared import Section


def data_section(records: Records, trials: Recorded, payload: Payload) -> Section:
    """Animals, sessions and trials; which were left out of what, and why."""
    metrics = records.metrics
    data = metrics["data"]
    held_out = data["sessions_held_out"]
    said = [
        f"{counted(data['subjects'], 'animal')}, {counted(data['sessions'], 'session')}, "
        f"{counted(data['trials'], 'trial')}, of which {data['trials_scored']:,} have a free "
        "choice.",
        f"{data['sessions_fitted']:,} sessions were fitted"
        + (
            f"; {held_out:,} were held out and scored ({data['split']})."
            if held_out
            else " and scored: none was held out."
        ),
    ]
    missed = data["trials"] - data["trials_scored"]
    if missed:
        said.append(
            f"{missed:,} trials are not scored as choices: missed, or the choice was forced. They "
            "stay in their sessions, in their place."
        )
    else:
        said.append("No trial of the table was left out.")
    parts: list[Markup] = [tag("p", text) for text in said]
    parts.append(warnings(metrics.get("notices", [])))
    if trials.frame is not None:
        parts.append(_by_animal(trials, payload))
    return Section("data", "The data", joined(parts))


def _by_animal(trials: Recorded, payload: Payload) -> Markup:
    frame = trials.frame
    heads = ["animal", "sessions fitted", "sessions held out", "trials", "missed", "forced choices"]
    heads += [f"{signal} measured" for signal in trials.signals]
    rows = []
    for subject, of in frame.groupby(trials.subject, sort=False):
        held = of.loc[of["held_out"], trials.session].nunique()
        forced = int(of[trials.instructed].sum()) if trials.instructed else 0
        rows.append([
            str(subject), int(of.loc[~of["held_out"], trials.session].nunique()), int(held),
            len(of), int(of[trials.choice].isna().sum()), forced,
            *(int(of[signal].notna().sum()) for signal in trials.signals),
        ])  # fmt: skip
    caption = f"What each animal brought: n = {len(rows)} animals, {len(frame):,} trials"
    return table(payload, "data", heads, rows, caption)


def sessions_section(records: Records, trials: Recorded, payload: Payload) -> Section:
    """A row a session, with each model's normalized likelihood of its free choices."""
    if trials.frame is None:
        text = "The folder lacks predictions.parquet: sessions cannot be listed."
        return Section("sessions", "Each session", tag("p", text))
    import numpy as np

    frame, metrics = trials.frame, records.metrics
    label = labels_of(metrics)
    models = [m for m in metrics["models"] if f"{m}.p_{trials.choices[0]}" in frame.columns]
    scored = frame[trials.choice].notna()
    if trials.instructed:
        scored &= ~frame[trials.instructed]
    logs = {m: np.log(_p_of_choice(frame, m, trials)) for m in models}
    heads = ["animal", "session", "used", "trials", *(f"mean {name}" for name in trials.outcomes)]
    heads += [f"{label(m)} normalized likelihood" for m in models]
    rows = []
    for (subject, session), of in frame.groupby([trials.subject, trials.session], sort=False):
        own = scored.loc[of.index]
        row: list[Any] = [str(subject), str(session), "held out" if of["held_out"].iloc[0] else
                          "fitted", len(of)]  # fmt: skip
        row += [shown(float(of[name].mean()), 3) for name in trials.outcomes]
        row += [shown(float(np.exp(logs[m].loc[of.index][own].mean()))) for m in models]
        rows.append(row)
    caption = f"Each session: n = {len(rows):,} sessions, {int(scored.sum()):,} scored choices"
    return Section("sessions", "Each session", table(payload, "sessions", heads, rows, caption))


def _p_of_choice(frame: Any, model: str, trials: Recorded) -> Any:
    """What the model said of the choice that was made; NaN where none was."""
    import numpy as np
    import pandas as pd

    p = pd.Series(np.nan, frame.index)
    for code in trials.choices:
        made = frame[trials.choice] == code
        p = p.where(~made, frame[f"{model}.p_{code}"].astype(float))
    return p
