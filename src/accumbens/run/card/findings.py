"""What a card says besides: alternatives, what leaned on a model, what the data cannot tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

from ...mechanisms.fits import NetworkFit
from ...mechanisms.mechanism import Consensus
from ...mechanisms.names import LatentName
from ...summary import counted, listed
from .reading import Fits

FEW_FITS = 5
"""Fewer fits say little of how often a mechanism is found."""


def alternatives(consensus: Consensus, rivals: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Mechanisms and cognitive models that predict held-out choices as well as the first, or
    better: the interval of the difference does not lie below 0."""
    said = []
    for m in consensus.mechanisms[1:]:
        if m.above_first is not None and m.n_latents and not m.above_first.high < 0:
            said.append(
                f"Mechanism {m.number} ({counted(m.n_latents, 'latent')}, found {len(m.members)} "
                f"times): {_against(*m.above_first)}"
            )
    for label, above in rivals.items():
        if not above["high"] < 0:
            said.append(f"{label}: {_against(above['value'], above['low'], above['high'])}")
    return said


def _against(value: float, low: float, high: float) -> str:
    verdict = "predicts better" if low > 0 else "not told apart"
    return f"{verdict}, {value:+.4f} nats per held-out choice ({low:+.4f}, {high:+.4f})."


def copies_in_words(
    consensus: Consensus, fits: Sequence[NetworkFit], names: Sequence[LatentName]
) -> str:
    """Plainly, what fits of the first mechanism leaned on; empty where they leaned on nothing."""
    members = [fit for fit in fits if fit.name in consensus.first.members]
    leaned = [fit for fit in members if fit.leaned_on is not None]
    if not leaned:
        return ""
    copies = [fit for fit in leaned if fit.share == 1]
    models = listed(sorted({str(fit.leaned_on) for fit in leaned}))
    n = f"{len(leaned)} of the {counted(len(members), 'fit')}"
    if copies and len(copies) == len(leaned):
        said = f"{n} {_were(leaned)} trained to copy a cognitive model ({models})."
    else:
        shares = listed(sorted({f"{fit.share:.0%}" for fit in leaned}))
        said = (
            f"{n} leaned on a cognitive model ({models}) for {shares} of what they were fitted to."
        )
    if any(one.named for one in names):
        said += (
            " That latents have its variables is then no discovery: they were taught. It says that "
            "nothing better was found. To look freely, fit with --selection.shares 0."
        )
    return said


def _were(fits: Sequence[NetworkFit]) -> str:
    return "was" if len(fits) == 1 else "were"


def unknowns(consensus: Consensus, found: Fits, names: Sequence[LatentName]) -> list[str]:
    """What these data and fits cannot tell."""
    said = []
    first, n = consensus.first, consensus.n_fits
    if n < FEW_FITS:
        said.append(
            f"How often a mechanism is found: {counted(n, 'fit')} {'is' if n == 1 else 'are'} too "
            "few to say. Fit more: accumbens sweep TABLE --vary seed=0:20 --out SWEEP"
        )
    if first.held_out is None:
        said.append("Whether it predicts new sessions: none was held out.")
    elif first.above_chance is not None and isnan(first.above_chance.low):
        said.append("How sure the scores are: one session held out gives no interval.")
    for one in names:
        if one.named and not one.told_apart and one.runner_up is not None and one.best is not None:
            said.append(
                f"Whether {one.latent} is the {one.best.kind} or the {one.runner_up.kind}: both "
                "follow it as closely in these sessions."
            )
    if first.n_latents and found.held_out is None and first.held_out is not None:
        said.append(
            "Whether a cognitive model predicts as well: the runs held out different sessions, so "
            "no model was fitted to what all of them fitted."
        )
    if any(fit.model.n_subjects for fit in found.fits):
        said.append(
            "How animals differ: networks that tell them apart are looked at as that of their "
            "average."
        )
    return said
