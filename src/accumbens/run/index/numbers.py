"""What results of each kind found, as named numbers: read from their metrics.json."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Named = Iterator[tuple[str, Any]]
UNITS = {"subject": "animals", "session": "sessions", "session within subject": "sessions"}
"""What intervals take as independent, by the unit that metrics.json names."""


def of_scores(metrics: Mapping[str, Any]) -> Named:
    """Scores of a fit or of predictions: a value and the ends of its interval for each model.

    `<model>.normalized_likelihood`, `<model>.<signal>.mse` and `.r2`, each with `_low` and `_high`;
    `held_out`, `intervals_over`, `choices_scored`, `scored_trials_hash` and `open_latents`.
    """
    data = metrics["data"]
    for name, model in metrics["models"].items():
        choice = model["choice"]
        yield from _estimate(f"{name}.normalized_likelihood", choice, "normalized_likelihood")
        for signal, score in model["signal"].items():
            yield from _estimate(f"{name}.{signal}.mse", score, "mse")
            yield from _estimate(f"{name}.{signal}.r2", score, "r2")
    if "open_latents" in metrics:
        yield "open_latents", len(metrics["open_latents"])
    yield "held_out", _held_out(data)
    yield "intervals_over", UNITS.get(metrics.get("unit", ""))
    yield "choices_scored", data.get("choices_scored")
    yield "scored_trials_hash", data.get("scored_trials_hash")


def of_credit(metrics: Mapping[str, Any]) -> Named:
    """Indices of the group, or of the one animal, and one-sided p-values of the tests in
    these animals."""
    subjects = metrics["subjects"]
    group = metrics["group"]["indices"]
    if not group and len(subjects) == 1:
        group = next(iter(subjects.values()))["indices"]
    for name, index in group.items():
        interval = {"value": index["value"], "value_interval": (index["low"], index["high"])}
        yield from _estimate(name, interval, "value")
    for name, test in metrics["tests"].items():
        yield f"{name}.p", (test.get("in_these_animals") or {}).get("p_one_sided")
    yield "choices_scored", metrics["data"]["trials_scored"]


def _held_out(data: Mapping[str, Any]) -> bool:
    """Whether the scored sessions are others than the fitted ones."""
    if "sessions_held_out" in data:
        return data["sessions_held_out"] > 0
    known = ("sessions_scored", "sessions_fitted_by_the_run", "sessions_describing_new_subjects")
    return sum(data[name] for name in known) <= data["sessions"]


def _estimate(column: str, holder: Mapping[str, Any], key: str) -> Named:
    low, high = holder.get(f"{key}_interval") or (None, None)
    for name, value in ((column, holder[key]), (f"{column}_low", low), (f"{column}_high", high)):
        if not (value is None or isinstance(value, int | float)):
            raise TypeError(f"{column} is {value!r:.50}, and no number")
        yield name, value


NUMBERS: dict[str, Callable[[Mapping[str, Any]], Named]] = {
    "fit": of_scores, "predict": of_scores, "credit": of_credit,
}  # fmt: skip
"""By the name of the kind; the numbers of other kinds are read from their own tables."""
