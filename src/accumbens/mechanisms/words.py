"""Mechanisms in words: what moves each latent, and what two mechanisms disagree about."""

from __future__ import annotations

import numpy as np

from ..summary import counted
from .align import Likeness, shared_r2
from .anatomy import Anatomy
from .config import ConsensusConfig

SAME_INFORMATION = 0.95
"""R2 with all latents of another fit from which on a latent is said to be in them."""
SAME_CHOICES = 0.95
"""R2 of log-odds from which on two fits are said to expect the same of choices."""
READ = 0.05
"""Share of the variance of the log-odds from which on a latent is said to be read for choices."""


def and_list(words: list[str]) -> str:
    """`choice, reward and z_2`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def latent_in_words(found: Anatomy, i: int, used: float) -> str:
    """What moves a latent, and whether choices depend on it."""
    by = [name for name, x in zip(found.inputs, found.effects[i], strict=True) if x > used]
    moved = f"is moved by {and_list(by)}" if by else "moves by itself alone"
    others = [found.latents[k] for k in range(found.n_latents) if _moves(found, i, k, used)]
    if found.readout[i] > READ:
        return f"{moved}, and decides choices"
    if others:
        return f"{moved}, and decides choices through {and_list(others)} alone"
    return f"{moved}, and hardly decides choices"


def differences_in_words(
    first: Anatomy, other: Anatomy, found: Likeness, config: ConsensusConfig
) -> str:  # fmt: skip
    """What two mechanisms disagree about. found: their likeness, the first as the reference."""
    said, lost = [], []
    if first.n_latents != other.n_latents:
        said.append(_number(first, other, found, config.used))
    for k, (i, j) in enumerate(zip(found.alignment.reference, found.alignment.other, strict=True)):
        path, update = found.alignment.r2[k], found.updates[k]
        pair = f"{other.latents[j]} against {first.latents[i]} of the first"
        inputs = [row for row in found.inputs if row[0] == first.latents[i]]
        if path < config.alike:
            lost.append(f"{other.latents[j]} (R2 with {first.latents[i]} {path:.2f})")
            inputs = inputs if len(inputs) == 1 else []
        elif inputs:
            pass
        elif update < config.alike:
            said.append(f"{pair} has a like course but is updated otherwise (R2 {update:.2f})")
        said += [_input_in_words(*row) for row in inputs]
    if lost:
        said.append(f"{and_list(lost)} {_verb(lost, 'follows', 'follow')} another course")
    basis = _another_basis(first, other, found)
    if basis:
        said.append(basis)
    if first.n_latents and other.n_latents:
        expected = "different things"
        if found.log_odds >= config.alike:
            expected = "the same" if found.log_odds >= SAME_CHOICES else "nearly the same"
        said.append(f"both expect {expected} of choices (R2 of log-odds {found.log_odds:.2f})")
    return f"{'; '.join(said)}." if said else ""


def _input_in_words(latent: str, source: str, by_first: bool) -> str:
    usual, here = ("moves", "does not") if by_first else ("does not move", "does")
    return f"{source} {usual} {latent} of the first, here it {here}"


def _verb(words: list[str], one: str, several: str) -> str:
    return one if len(words) == 1 else several


def _number(first: Anatomy, other: Anatomy, found: Likeness, used: float) -> str:
    more = other.n_latents - first.n_latents
    words = f"it uses {counted(other.n_latents, 'latent')} instead of {first.n_latents}"
    owner, matched = (
        (other, found.alignment.other) if more > 0 else (first, found.alignment.reference)
    )
    alone = [k for k in range(owner.n_latents) if k not in set(matched.tolist())]
    said = [f"{owner.latents[k]} ({latent_in_words(owner, k, used)})" for k in alone]
    where = "" if more > 0 else " of the first"
    return f"{words}: {and_list(said)}{where} {_verb(said, 'has', 'have')} no counterpart"


def _another_basis(first: Anatomy, other: Anatomy, found: Likeness) -> str:
    if not first.n_latents or not other.n_latents:
        return ""
    if len(found.alignment.r2) and found.alignment.r2.min() >= SAME_INFORMATION:
        return ""
    ways = [shared_r2(first.path, other.path), shared_r2(other.path, first.path)]
    if min(map(np.min, ways)) >= SAME_INFORMATION:
        return (
            "both hold the same information along other axes: each latent is a weighted sum of the "
            "other's"
        )
    if ways[0].min() >= SAME_INFORMATION:
        return "it holds all that the first holds, and more"
    if ways[1].min() >= SAME_INFORMATION:
        return "all that it holds is in the first's latents"
    return ""


def _moves(found: Anatomy, i: int, k: int, used: float) -> bool:
    """Whether latent i moves latent k."""
    return bool(found.effects[k, len(found.inputs) - found.n_latents + i] > used)
