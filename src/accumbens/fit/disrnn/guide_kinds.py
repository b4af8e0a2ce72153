"""Which cognitive models a disRNN may lean on, by name."""

from __future__ import annotations

from typing import NamedTuple


class GuideKind(NamedTuple):
    """A cognitive model of the catalogue, and parameters of parts that stand beside it.

    fixed: parameters that are not fitted, with their values.
    """

    model: str
    free: tuple[str, ...] = ()
    fixed: tuple[tuple[str, float], ...] = ()


HABITS = ("side_bias", "perseveration", "perseveration_rate")
"""A side bias, and a choice kernel."""
GUIDES: dict[str, GuideKind] = {
    "bias": GuideKind("bias"),
    "q_learning": GuideKind("q_learning"),
    "q_learning_habits": GuideKind("q_learning", HABITS),
    "dfq": GuideKind("dfq"),
    "dfq_habits": GuideKind("dfq", HABITS),
    "actor_critic": GuideKind("actor_critic"),
    "belief_habits": GuideKind("belief", HABITS[:2]),
    "structure_mixture": GuideKind("structure_mixture"),
    "structure_mixture_habits": GuideKind("structure_mixture", HABITS),
    "two_process": GuideKind("two_process"),
    "rflr": GuideKind("rflr", fixed=(("choice_weight", 0.0),)),
    "rflr_habits": GuideKind("rflr", HABITS[:1]),
}
"""The guides by name. `rflr`: of rewards alone, one variable with two choices; its choice weight is
its habit."""
