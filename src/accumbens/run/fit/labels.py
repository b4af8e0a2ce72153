"""What tables call the models of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ...models.catalogue import label_of


def label_in_run(name: str, notes: Mapping[str, Any], several: bool = True) -> str:
    """What tables call a fit of a run: `DFQ, choices + side bias (hierarchical)`.

    notes: those of metrics.json. several: whether there are several animals, whose level is said.
    """
    parts = [label_of(name), *(text.replace("_", " ") for text in notes.get("free", ()))]
    level = notes.get("animals") if several else None
    return " + ".join(parts) + (f" ({level})" if level else "")


def side_of(difference: Mapping[str, Any]) -> str:
    """`better`, `worse` or `not told apart`, by where the interval of a difference lies.

    difference: an entry of `differences` in metrics.json.
    """
    low, high = difference["low"], difference["high"]
    if low is None or high is None:
        return "no interval"
    if low <= 0 <= high:
        return "not told apart"
    return "better" if (low > 0) == (difference["metric"] != "mse") else "worse"


def labels_of(metrics: Mapping[str, Any]) -> Callable[[str], str]:
    """What tables call each model of a run, by its name.

    metrics: what metrics.json says.
    """
    several = metrics["data"]["subjects"] > 1
    notes = {name: model.get("fit", {}) for name, model in metrics["models"].items()}
    return lambda name: label_in_run(name, notes.get(name, {}), several)


def unit_of(metrics: Mapping[str, Any]) -> str:
    """What the intervals of a run are over: `animals` or `sessions`.

    metrics: what metrics.json says.
    """
    return "animals" if metrics.get("unit") == "subject" else "sessions"
