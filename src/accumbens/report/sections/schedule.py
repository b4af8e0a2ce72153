"""Outcomes beside the probabilities that were stated for them, as credit and selectivity check."""

from __future__ import annotations

from typing import Any

from ..markup import Markup, joined, tag
from ..payload import Payload
from ..tables import interval, shown, table
from .shared import Section


def schedule_section(found: dict[str, Any] | None, payload: Payload) -> Section:
    """Whether rewards came with the stated probabilities."""
    title = "Did rewards come as scheduled?"
    if found is None:
        text = (
            "The probabilities of the rewards were not known, so they could not be checked, and "
            "nothing was redrawn from them."
        )
        return Section("schedule", title, tag("p", text))
    said = (
        "Yes: the outcomes came with the stated probabilities."
        if found["believable"]
        else "No: the outcomes did not come with the stated probabilities. "
        f"{found.get('likely_cause') or ''}"
    )
    if not found["believable"] and found.get("trust_schedule"):
        said += " The tests trust the schedule all the same, as they were told to."
    rows = [
        [r["outcome"], str(r["choice"]), shown(r["stated"], 3),
         interval(r["observed"], r["low"], r["high"], spec=".3f"), r["trials"]]
        for r in found["rates"]
    ]  # fmt: skip
    heads = ["outcome", "after choice", "stated probability", "observed (95 %)", "trials"]
    n = sum(r["trials"] for r in found["rates"])
    caption = f"Stated and observed probabilities: n = {n:,} outcomes"
    return Section("schedule", title, joined(
        tag("p", said, class_="verdict" if found["believable"] else "alarm"),
        table(payload, "schedule", heads, rows, caption)))  # fmt: skip


def said_in_words(texts: list[str]) -> Markup:
    """Sentences, a paragraph each."""
    return joined(tag("p", text, class_="verdict") for text in texts)
