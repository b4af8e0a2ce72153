"""The report of a sweep: how far it has come, and what its cells found."""

from __future__ import annotations

import shlex
from typing import Any

from ...errors import AccumbensError
from ...models.catalogue import label_of
from ...run.provenance import made_in_words, read_made
from ...run.sweep.sweep import WORDS
from ...summary import counted
from ..markup import Content, Markup, joined, named, tag
from ..payload import Payload
from ..records import Records
from ..tables import csv_text, facts, figure, shown, table, warnings
from .shared import Section

LIKELIHOOD = ".normalized_likelihood"
MOST_CELLS = 500
"""Rows of cells on the page; the CSV has all."""


def sweep_sections(records: Records, payload: Payload) -> list[Section]:
    """All sections, in their order."""
    sweep = records.result
    frame = sweep.to_frame()
    n = f"n = {len(frame):,} cell{'s' * (len(frame) != 1)}"
    found = [_verdict(sweep, frame, n)]
    models = [str(c) for c in frame if str(c).endswith(LIKELIHOOD)]
    if models:
        names = [model.removesuffix(LIKELIHOOD) for model in models]
        payload.header["labels"] = {name: label_of(name) for name in names}
        done = frame[frame["state"] == "done"]
        caption = (
            "Held-out normalized likelihood of every cell that is done, by what is varied; a "
            f"colour a model; n = {len(done):,} cells"
        )
        text = done.to_csv(index=False, lineterminator="\n")
        found.append(Section("scores", "What the cells found",
                             figure(payload, "sweep_scores", caption, text)))  # fmt: skip
    found += [
        Section("cells", "Every cell", _cells(frame, n, payload)),
        Section("checks", "Checks and warnings", _checks(sweep, payload)),
        _reproduce(records),
    ]
    return found


def _verdict(sweep: Any, frame: Any, n: str) -> Section:
    states = ", ".join(f"{count:,} {WORDS[state]}" for state, count in sweep.count().items())
    parts = [_alarm(sweep), tag("p", f"{n}: {states}.", class_="verdict")]
    for column in (c for c in frame if str(c).endswith(LIKELIHOOD)):
        values = frame[column].dropna()
        if len(values):
            model = str(column).removesuffix(LIKELIHOOD)
            parts.append(
                tag("p", f"{label_of(model)}: held-out normalized likelihood {values.min():.4f} to "
                    f"{values.max():.4f}, median {values.median():.4f}, over {len(values):,} "
                    "cells.")
            )  # fmt: skip
    if "open_latents" in frame:
        counts = frame["open_latents"].dropna().astype(int).value_counts().sort_index()
        words = ", ".join(f"{k} in {v:,}" for k, v in counts.items())
        if words:
            parts.append(tag("p", f"Open latents of the disRNN: {words} cells."))
    text = (
        "Cells share trials, so they are no independent observations: they say how much options "
        "and starts matter, not how sure a difference is."
    )
    parts.append(tag("p", text))
    return Section("verdict", "What was found", joined(parts))


def _alarm(sweep: Any) -> Markup:
    """How many cells warn that a model predicts worse than one without memory."""
    read, warned = 0, []
    for name, run in sweep.runs():
        try:
            said = run.metrics.get("warnings", [])
        except AccumbensError:
            continue
        read += 1
        warned += [name] if said else []
    if not warned:
        return Markup()
    text = (
        f"In {len(warned):,} of {counted(read, 'cell')} a model predicts held-out sessions WORSE "
        "than one without memory. Do not interpret its structure there; the warnings of each cell "
        f"say which model: accumbens show {shlex.quote(str(sweep.path / 'cells' / warned[0]))}"
    )
    return warnings([text], class_="alarm")


def _cells(frame: Any, n: str, payload: Payload) -> Markup:
    heads = [
        f"{label_of(str(c).removesuffix(LIKELIHOOD))} normalized likelihood"
        if str(c).endswith(LIKELIHOOD)
        else "open latents"
        if c == "open_latents"
        else str(c)
        for c in frame
    ]
    rows = [[shown(v) if isinstance(v, float) else str(v) for v in row]
            for row in frame.head(MOST_CELLS).itertuples(index=False)]  # fmt: skip
    more = f" (the first {MOST_CELLS}; the CSV has all)" if len(frame) > MOST_CELLS else ""
    text = frame.to_csv(index=False, lineterminator="\n")
    return table(payload, "cells", heads, rows, f"Cells{more}: {n}", numbers=text)


def _checks(sweep: Any, payload: Payload) -> Markup:
    failed = sweep.failed
    if not failed:
        return tag("p", "No cell failed.")
    rows = [[name, error] for name, error in failed.items()]
    said = warnings([f"{len(failed):,} cells failed; accumbens sweep --retry fits them anew."])
    whole = table(payload, "failed", ["cell", "error"], rows, f"Cells that failed: n = {len(rows)}",
                  numbers=csv_text(["cell", "error"], rows))  # fmt: skip
    return joined(said, whole)


def _reproduce(records: Records) -> Section:
    folder = shlex.quote(str(records.path))
    pairs: list[tuple[str, Content]] = [
        ("Finish it", tag("code", f"accumbens sweep --resume {folder}")),
        ("Table", named(records.result.table)),
        *(("Made", made_in_words(entry)) for entry in read_made(records.path)),
    ]
    return Section("reproduce", "How to make it again", facts(pairs))
