"""The report of an analysis of credit assignment."""

from __future__ import annotations

from typing import Any

from ..markup import Markup, joined, tag
from ..payload import Payload
from ..records import Records
from ..tables import interval, shown, table
from .schedule import said_in_words, schedule_section
from .shared import Section, checks, counts, figures_of, methods, others, reproduce

SHOWN = ("credit_session", "history_weights", "credit_indices", "null_distributions",
         "power_curves")  # fmt: skip


def credit_sections(records: Records, payload: Payload) -> list[Section]:
    """All sections, in their order."""
    metrics = records.metrics
    n = counts(metrics["data"])
    captions = {
        "credit_session": "A session: choices (up or down) with their rewards, the running share "
        "of choices, and the scheduled probabilities; n = 1 session",
        "history_weights": "Weights of past choices by which rewards they brought, at each lag: "
        f"thin each animal, thick their mean with its 95 % interval over animals; {n}",
        "credit_indices": "Each animal's two indices with 95 % intervals over its sessions, and "
        f"their mean over animals (large); dashed: equal indices, which is not where an animal "
        f"lies that does not tell the rewards apart; {n}",
        "null_distributions": "What was observed (mark) beside what redrawn rewards give (bar: "
        f"95 % of the null distribution of each animal; histogram: of the mean); {n}",
        "power_curves": "Share of simulated experiments in which the test finds the effect",
    }

    def drawn(*names: str) -> Markup:
        return figures_of(records, payload, captions, names)

    further = others(records, payload, SHOWN)
    return [
        _verdict(metrics),
        _data(metrics, payload),
        schedule_section(metrics.get("schedule"), payload),
        Section("weights", "What past rewards do to the next choice",
                drawn("history_weights", "credit_session")),
        _indices(metrics, payload, drawn("credit_indices")),
        _tests(metrics, payload, drawn("null_distributions", "power_curves")),
        checks(metrics.get("warnings", [])),
        *([further] if further else []),
        reproduce(records),
        methods(records),
    ]  # fmt: skip


def _verdict(metrics: dict[str, Any]) -> Section:
    tests = metrics["tests"]
    if not tests:
        text = (
            "No question was tested: that needs two kinds of reward, and the probabilities from "
            "which they were drawn."
        )
        return Section("verdict", "What was found", tag("p", text, class_="verdict"))
    parts = []
    for name, test in tests.items():
        parts += [tag("h3", f"{name}?"), said_in_words(test.get("in_words", []))]
        if test.get("why_no_animals_like_these"):
            parts.append(tag("p", test["why_no_animals_like_these"]))
    return Section("verdict", "What was found", joined(parts))


def _data(metrics: dict[str, Any], payload: Payload) -> Section:
    data = metrics["data"]
    text = (
        f"{data['subjects']:,} animals, {data['sessions']:,} sessions, {data['trials']:,} trials, "
        f"of which {data['trials_scored']:,} have a free choice and are scored. Outcomes: "
        f"{', '.join(data['outcomes'])}."
    )
    rows = [
        [name, of["sessions"], of["trials_scored"], shown(of["normalized_likelihood"])]
        for name, of in metrics["subjects"].items()
    ]
    heads = ["animal", "sessions", "scored trials", "normalized likelihood"]
    caption = f"Animals and how well the regression predicts them: {counts(data)}"
    return Section("data", "The data", joined(
        tag("p", text), table(payload, "data", heads, rows, caption)))  # fmt: skip


def _indices(metrics: dict[str, Any], payload: Payload, drawn: Markup) -> Section:
    each = {**metrics["subjects"], "all animals": metrics["group"]}
    names = list(dict.fromkeys(i for of in each.values() for i in of["indices"]))
    rows = []
    for subject, of in each.items():
        row: list[Any] = [subject]
        for name in names:
            index = of["indices"].get(name)
            known = (index["value"], index["low"], index["high"]) if index else (None,) * 3
            row.append(interval(*known, spec=".2f"))
        row.append({"session": "sessions", "subject": "animals"}.get(
            next((i["unit"] for i in of["indices"].values()), ""), ""))  # fmt: skip
        rows.append(row)
    heads = ["animal", *(f"{name} index (95 %)" for name in names), "interval over"]
    caption = f"Indices, sums of weights in log-odds: {counts(metrics['data'])}"
    return Section("indices", "Indices", joined(
        table(payload, "indices", heads, rows, caption), drawn))  # fmt: skip


def _tests(metrics: dict[str, Any], payload: Payload, drawn: Markup) -> Section:
    tests = metrics["tests"]
    title = "In these animals, and in animals like these"
    if not tests:
        return Section("tests", title, joined(tag("p", "There are no tests."), drawn))
    rows, notes = [], []
    for name, test in tests.items():
        these, like = test["in_these_animals"], test.get("in_animals_like_these") or {}
        rows.append([
            name, shown(these["observed"], 3),
            Markup(f"{shown(these['null_mean'], 3)} (SD {shown(these['null_sd'], 2)})"),
            shown(these["p_one_sided"], 3),
            interval(like.get("mean"), like.get("low"), like.get("high"), spec="+.2f"),
            shown(like.get("p_greater"), 3), shown(like.get("p_flips"), 3),
        ])  # fmt: skip
        if test.get("holds_under"):
            notes.append(tag("p", f"{name}: {test['holds_under']}"))
    heads = ["test", "observed", "where no animal has the effect", "p in these animals",
             "observed minus null, animals like these (95 %)", "p (t)",
             "p (sign flips)"]  # fmt: skip
    resamples = max(test["resamples"] for test in tests.values())
    caption = (
        f"Both answers, p one-sided (sign flips two-sided): n = {metrics['data']['subjects']} "
        f"animals; {resamples:,} redrawn experiments"
    )
    by_animal = [
        [name, subject, shown(of["observed"], 3), shown(of["p_one_sided"], 3),
         of["trials_redrawn"]]
        for name, test in tests.items() for subject, of in test["subjects"].items()
    ]  # fmt: skip
    animal = table(
        payload, "tests_by_animal",
        ["test", "animal", "observed", "p (one-sided)", "trials that could be redrawn"], by_animal,
        f"Each animal's own test: n = {metrics['data']['subjects']} animals",
    )  # fmt: skip
    whole = table(payload, "answers", heads, rows, caption)
    return Section("tests", title, joined(whole, notes, drawn, animal))
