"""Stable names of the classes that a saved model may name: those of the catalogue, and their parts.

A file on disk says the name and never where the class lives, so that classes may move. A name, once
given, stays: files of all versions hold it.
"""

from __future__ import annotations

from typing import Any

from ..lazy import at_place
from . import catalogue

PARTS = {
    "by_subject": "by_subject:BySubject",
    "disrnn.bottleneck": "disrnn.bottleneck:Bottleneck",
    "disrnn.choice_network": "disrnn.heads:ChoiceNetwork",
    "disrnn.config": "disrnn.config:DisRNNConfig",
    "disrnn.core": "disrnn.core:Core",
    "disrnn.reader": "disrnn.reader:Reader",
    "disrnn.residual_mlps": "disrnn.residual_mlp:ResidualMLPs",
    "disrnn.signal_networks": "disrnn.heads:SignalNetworks",
    "distilled": "distilled:Distilled",
    "distilled.terms": "distilled:Terms",
    "parts.choice_kernel": "parts.choice_kernel:ChoiceKernel",
    "parts.side_bias": "parts.side_bias:SideBias",
    "with_parts": "parts.composed:WithParts",
    "signal_units": "signal_units:SignalUnits",
}
"""What models are made of: name -> place in `accumbens.models`."""


OWN = "own:"
"""Before the name of a class that is not of the package."""


def own_name(kind: type) -> str:
    """The name under which a user's own class is saved; it must be given when it is loaded."""
    return f"{OWN}{kind.__name__}"


def registered_class(name: str) -> Any:
    """The class of that name; None where no class may be saved under it."""
    if name in PARTS:
        return at_place(PARTS[name], __package__)
    return next((entry.model_class for entry in catalogue.CATALOGUE if entry.name == name), None)


def registered_name(kind: type) -> str | None:
    """The name under which objects of this very class are saved; None where they cannot be."""
    names = (*PARTS, *(entry.name for entry in catalogue.CATALOGUE))
    return next((name for name in names if registered_class(name) is kind), None)
