"""The report of what units respond to."""

from __future__ import annotations

from typing import Any

from ...figures.neural.all import TEST_WORDS
from ...summary import counted
from ..markup import joined, tag
from ..payload import Payload
from ..records import Records
from ..tables import of_frame, table
from .schedule import schedule_section
from .shared import Section, checks, counts, figures_of, methods, others, reproduce

SHOWN = ("unit_effects", "outcome_responses", "selective_fraction")
MOST_UNITS = 200
"""Rows of units on the page; the CSV has all."""


def selectivity_sections(records: Records, payload: Payload) -> list[Section]:
    """All sections, in their order."""
    metrics = records.metrics
    units, regions = records.result.table("selectivity"), records.result.table("regions")
    n_units = int(units["unit"].nunique())
    n = f"n = {counted(n_units, 'unit')}"
    captions = {
        "unit_effects": f"Effects of the two outcomes in each unit; filled: selective; {n}",
        "outcome_responses": "Mean response of the most selective units to each type of outcome, "
        f"with 95 % intervals over trials (Student's t); of {n}",
        "selective_fraction": f"Share of selective units with 95 % intervals, by region; {n}",
    }
    regional = joined(
        table(
            payload, "regions",
            ["region", "contrast", "units", "selective", "share (95 %)", "up", "down"],
            [[r["region"] or "all", r["contrast"], r["units"], r["selective"],
              f"{r['fraction']:.0%} ({r['low']:.0%}, {r['high']:.0%})", r["positive"],
              r["negative"]] for r in regions.to_dict("records")],
            f"Selective units by region: {n}",
        ),
        figures_of(records, payload, captions, SHOWN),
    )  # fmt: skip
    text = units.to_csv(index=False, lineterminator="\n")
    few = units.sort_values("q", kind="stable").head(MOST_UNITS)
    listed = of_frame(payload, "units", few, "Units, the smallest q first"
                      + (f" (the first {MOST_UNITS} rows; the CSV has all)" if
                         len(units) > MOST_UNITS else "") + f": {n}")  # fmt: skip
    payload.csv("units", text)
    further = others(records, payload, SHOWN)
    return [
        _verdict(metrics, units),
        Section("data", "The data", tag("p", _data(metrics, n_units))),
        schedule_section(metrics.get("schedule"), payload),
        Section("regions", "By region", regional),
        Section("units", "Each unit", listed),
        checks(metrics.get("warnings", [])),
        *([further] if further else []),
        reproduce(records),
        methods(records),
    ]


_FOUND = {
    "association": "are associated with it, which is not to say that they respond to it",
    "response": "respond to it",
}
"""What a selective unit does, by what the test finds."""


def _verdict(metrics: dict[str, Any], units: Any) -> Section:
    test, lines = metrics.get("test", {}), []
    found = _FOUND.get(test.get("finds", ""), "are selective")
    for contrast, of in units.groupby("contrast", sort=False):
        lines.append(
            f"{contrast}: {int(of['selective'].sum()):,} of {counted(len(of), 'unit')} {found}."
        )
    if test.get("family"):
        name = TEST_WORDS.get(test["name"], test["name"])
        lines.append(
            f"Test: {name}; false discovery rate {test['false_discovery_rate']:g} over "
            f"{test['family']}."
        )
    return Section("verdict", "What was found",
                   joined(tag("p", line, class_="verdict") for line in lines))  # fmt: skip


def _data(metrics: dict[str, Any], n_units: int) -> str:
    data = metrics.get("data", {})
    known = {"subjects", "sessions", "trials"} <= data.keys()
    return f"{counted(n_units, 'unit')}. " + (f"{counts(data)[4:]}." if known else "")
