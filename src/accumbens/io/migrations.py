"""Saved models of earlier versions, as this version would have described them.

Format 1 (version 0.1.0) named classes by module and kept the disRNN's arrays in one flat object.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .rebuilding import Damage

FORMAT = 2
"""What this version writes."""

CLASSES_OF_FORMAT_1 = {
    "accumbens.models.actor_critic:ActorCritic": "actor_critic",
    "accumbens.models.bias:BiasOnly": "bias",
    "accumbens.models.dfq:DFQ": "dfq",
    "accumbens.models.disrnn.bottleneck:Bottleneck": "disrnn.bottleneck",
    "accumbens.models.disrnn.config:DisRNNConfig": "disrnn.config",
    "accumbens.models.disrnn.model:DisRNN": "disrnn",
    "accumbens.models.disrnn.model:Reader": "disrnn.reader",
    "accumbens.models.disrnn.residual_mlp:ResidualMLPs": "disrnn.residual_mlps",
    "accumbens.models.gru:GRU": "gru",
    "accumbens.models.history:HistoryRegression": "history",
    "accumbens.models.naive:Naive": "naive",
    "accumbens.models.q_learning:QLearning": "q_learning",
    "accumbens.models.structured:StructureMixture": "structure_mixture",
    "accumbens.models.structured:StructureNaive": "structure_naive",
    "accumbens.models.structured:StructureSavvy": "structure_savvy",
    "accumbens.models.two_process:TwoProcess": "two_process",
}

DISRNN_OF_FORMAT_1: dict[str, Any] = {
    "core": (
        "disrnn.core",
        {
            "reader": "update_reader",
            "bottleneck": (
                "disrnn.bottleneck", {"multiplier": None, "log_sigma": "latent_log_sigma"},
            ),
            "z_initial": "z_initial",
            "embedding": "embedding",
        },
    ),
    "choice_network": ("disrnn.choice_network", {"reader": "choice_reader"}),
    "signal_networks": (
        "disrnn.signal_networks", {"reader": "signal_reader", "embedding": "signal_embedding"},
    ),
    "signal_units": ("signal_units", {"mean": "signal_mean", "scale": "signal_scale"}),
    "config": "config",
    "outcome_names": "outcome_names",
    "signal_names": "signal_names",
}  # fmt: skip
"""Fields of today's disRNN: the field of format 1, or the part's class and its fields."""


_FROM_0_TO_1 = {"reward_range": {"tuple": [{"value": 0.0}, {"value": 1.0}]}}
ADDED_SINCE_FORMAT_1: dict[str, dict[str, Any]] = {
    "q_learning": {
        "negative_learning_rate": {"array": "learning_rate"}, "forgetting_rate": {"value": 0.0},
    },
    "structure_naive": _FROM_0_TO_1,
    "structure_savvy": _FROM_0_TO_1,
    "structure_mixture": _FROM_0_TO_1,
    "two_process": _FROM_0_TO_1,
    "disrnn.config": {"signal_subject_embedding": {"value": None}},
}  # fmt: skip
"""Fields that models have got since, with values that make them what they were."""


def as_current_format(description: Any) -> Mapping[str, Any]:
    """The description of a saved model in today's format. Raises Damage."""
    if not isinstance(description, dict) or description.get("format") not in (1, FORMAT):
        raise Damage("it does not say its format")
    if description["format"] == FORMAT:
        return description
    model = _named(description.get("model"), "model")
    if model["class"] == "disrnn":
        model = {"class": "disrnn", "fields": _parts(DISRNN_OF_FORMAT_1, model["fields"])}
        unknown = set(description["model"]["fields"]) - _fields_of_format_1(DISRNN_OF_FORMAT_1)
        if unknown:
            raise Damage(f"{', '.join(sorted(unknown))} is unknown")
    return {"format": FORMAT, "model": model["class"], "fields": model["fields"]}


def _named(node: Any, path: str) -> dict[str, Any]:
    """An object of format 1, and all that it holds, with registered names for classes."""
    if not isinstance(node, dict) or not isinstance(node.get("fields"), dict):
        raise Damage(f"{path} has no class and fields")
    name = CLASSES_OF_FORMAT_1.get(str(node.get("class")))
    if name is None:
        raise Damage(f"{path} is {node.get('class')!r}, which version 0.1.0 could not save")
    fields = {
        field: _named(inner, field) if isinstance(inner, dict) and "class" in inner else inner
        for field, inner in node["fields"].items()
    }
    return {"class": name, "fields": ADDED_SINCE_FORMAT_1.get(name, {}) | fields}


def _parts(layout: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Fields by today's layout, filled from the fields of format 1."""
    made: dict[str, Any] = {}
    for field, source in layout.items():
        if source is None:
            made[field] = {"value": None}
        elif isinstance(source, str):
            if source not in old:
                raise Damage(f"{source} is missing")
            made[field] = old[source]
        else:
            made[field] = {"class": source[0], "fields": _parts(source[1], old)}
    return made


def _fields_of_format_1(layout: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for source in layout.values():
        if isinstance(source, str):
            found.add(source)
        elif source is not None:
            found |= _fields_of_format_1(source[1])
    return found
