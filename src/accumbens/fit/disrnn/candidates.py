"""Candidates of a selection: what is tried, how candidates are compared, which one is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..folds import paired_difference
from .config import FIRST_CANDIDATE

HOPELESS = 5e-3
"""Nats per trial that relaxing cannot make up for."""


class Route(NamedTuple):
    """What tells paths apart: the share of the best cognitive model, the numbers that describe a
    subject, the random start, the latents that may be used."""

    share: float
    embedding: int
    start: int
    latents: int


class Candidate(NamedTuple):
    """One checkpoint along the path of one route.

    factor: of the penalties there. held_out, fitted: mean log likelihood per trial (nats) of the
    trials that each fold held out, and of those that it was fitted to. expected: what `held_out`
    would be after fitting all trials, see `expected_after_all`. n_open: open latents of the model
    fitted to all trials, None where none was; n_open_of_folds: of those fitted without each fold.
    """

    route: Route
    step: int
    factor: float
    held_out: float
    fitted: float
    expected: float
    n_open: int | None
    n_open_of_folds: tuple[int, ...]


def best_candidate(candidates: list[Candidate]) -> int:
    """Number of the candidate with the highest expected likelihood."""
    allowed = [i for i, c in enumerate(candidates) if c.step >= FIRST_CANDIDATE]
    return max(allowed, key=lambda i: candidates[i].expected)


def most_shrunk(
    shares: Sequence[float], expected: Sequence[float],
    held_out: Sequence[Float[np.ndarray, " session"]], n_scored: Int[np.ndarray, " session"],
) -> int:  # fmt: skip
    """Number of the largest share that is within one standard error of the best.

    shares: of the best cognitive model. expected: log likelihood per trial (nats) at each;
    held_out: of each session (nats), which gives the standard error of their paired difference.
    n_scored: scored trials of each session.
    """
    best = int(np.argmax(expected))
    for i in np.argsort(-np.asarray(shares), kind="stable"):
        error = paired_difference(held_out[best], held_out[i], n_scored)[1]
        if expected[best] - expected[i] <= error:
            return int(i)
    return best


def simplest_first(candidates: list[Candidate]) -> list[int]:
    """What is worth relaxing: on the best candidate's path, the best checkpoint with each number of
    open latents up to its own, the fewest first.

    A checkpoint's number is that of the fits without a fold, of which the held-out likelihood
    speaks (their median, rounded up), or that of the fit to all trials where it has more. Of
    checkpoints with one number, those on which both agree go first, and of copies those on which
    most folds do.
    """
    best = candidates[best_candidate(candidates)]
    most = n_open(best)
    of_number: dict[int, int] = {}
    for i, c in enumerate(candidates):
        if c.route != best.route or c.step < FIRST_CANDIDATE or c.n_open is None:
            continue
        number = n_open(c)
        if c.held_out >= best.held_out - HOPELESS and number <= most:
            held = of_number.get(number)
            if held is None or _rank(c) > _rank(candidates[held]):
                of_number[number] = i
    return [of_number[n] for n in sorted(of_number)]


def n_open(candidate: Candidate) -> int:
    """Open latents of most fits without a fold, or of the fit to all trials where it has more."""
    of_folds = math.ceil(np.median(candidate.n_open_of_folds))
    return max(of_folds, candidate.n_open or 0)


def _rank(candidate: Candidate) -> tuple[bool, int, float]:
    """Agreement of the fit to all trials with those without a fold; of copies, with how many of
    them, since their likelihood is restored afterwards; then held-out likelihood."""
    folds = candidate.n_open_of_folds
    agree = candidate.n_open == float(np.median(folds))
    alike = folds.count(candidate.n_open or 0) if candidate.route.share == 1 else 0
    return agree, alike, candidate.held_out
