"""The library of terms: products of latents, choice and outcomes among which a regression chooses.

A choice enters in one of three codings. "made": a term counts after some choices only, as where a
value moves when its option was chosen. "signed": +1 after choice 1 and -1 after choice 0, as where
one variable is the difference of two values. Outcomes enter as they are, and as products of two.
"""

from __future__ import annotations

import itertools
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from .points import Points

Coding = Literal["made", "signed"]

DEGREES = (1, 3)
"""Highest powers of a latent in its own update and in rules: first lines, then curves."""


class Library(NamedTuple):
    """Terms, in order from simple to complex.

    Attributes:
        latent_power, choice_factor, outcome_power: as in `models.distilled.Terms`.
    """

    latent_power: Int[np.ndarray, "term latent"]
    choice_factor: Float[np.ndarray, "term choice"]
    outcome_power: Int[np.ndarray, "term outcome"]

    @property
    def n(self) -> int:
        """Number of terms."""
        return len(self.latent_power)

    def features(self, points: Points) -> Float[np.ndarray, "point term"]:
        """Every term at every point."""
        of_latents = _products(points.before, self.latent_power)
        of_outcomes = _products(points.outcome, self.outcome_power)
        return of_latents * self.choice_factor[:, points.choice].T * of_outcomes

    def where(self, chosen: Bool[np.ndarray, " term"]) -> Library:
        """Some of the terms."""
        return Library(*(part[chosen] for part in self))


def update_library(
    points: Points, coding: Coding, own: int, k: int, n_choices: int, degree: int
) -> Library:
    """Terms for the update of latent k.

    Args:
        points: which outcomes occur, and what the latent's network reads.
        coding: of the choice.
        own: the choice to which the latent belongs; with "made" and more than two choices, all
            others count alike.
        k: number of the latent.
        n_choices: number of choices.
        degree: the highest power of the latent; 1 also leaves out products of two latents.
    """
    latents = _latent_powers(len(points.latents), k, points.reads[k], degree)
    factors = _choice_factors(coding, own, n_choices)
    return _crossed(latents, factors, _outcome_powers(points.outcome))


def rule_library(points: Points, n_choices: int, degree: int) -> Library:
    """Terms for the choice rule: of latents alone."""
    latents = _latent_powers(len(points.latents), None, np.ones(len(points.latents), bool), degree)
    nothing = np.zeros((1, points.outcome.shape[1]), int)
    return _crossed(latents, np.ones((1, n_choices)), nothing)


def signal_library(points: Points, n_choices: int) -> Library:
    """Terms for signals: latents, after each choice by itself, and outcomes."""
    n = len(points.latents)
    latents = np.concatenate([np.zeros((1, n), int), np.eye(n, dtype=int)])
    return _crossed(latents, np.eye(n_choices), _outcome_powers(points.outcome))


def _latent_powers(n: int, k: int | None, reads: Bool[np.ndarray, " latent"], degree: int):
    """Powers of latents: none, then the own latent's (or each one's), then those of others and of
    products of two."""
    unit = np.eye(n, dtype=int)
    mine = list(range(n)) if k is None else [k]
    others = [j for j in range(n) if reads[j] and j not in mine]
    rows = [np.zeros(n, int), *(unit[j] for j in (*mine, *others))]
    if degree > 1:
        pairs = itertools.combinations(mine, 2) if k is None else ((k, j) for j in others)
        rows += [unit[i] + unit[j] for i, j in pairs]
        rows += [power * unit[j] for power in range(2, degree + 1) for j in mine]
        rows += [2 * unit[j] for j in others]
    return np.array(rows).reshape(len(rows), n)


def _choice_factors(coding: Coding, own: int, n_choices: int) -> Float[np.ndarray, "factor c"]:
    if coding == "signed":
        return np.array([[1.0, 1.0], [-1.0, 1.0]])
    mine = (np.arange(n_choices) == own).astype(float)
    return np.array([mine, 1.0 - mine])


def _outcome_powers(outcome: Float[np.ndarray, "point outcome"]) -> Int[np.ndarray, "row outcome"]:
    """Powers of outcomes: none, each one that varies, each product of two that is not one of these
    already; the square of one with more than two values."""
    n = outcome.shape[1]
    varies = [m for m in range(n) if np.ptp(outcome[:, m]) > 0]
    unit = np.eye(n, dtype=int)
    rows = [np.zeros(n, int), *(unit[m] for m in varies)]
    rows += [unit[a] + unit[b] for a, b in itertools.combinations(varies, 2)]
    rows += [2 * unit[m] for m in varies if len(np.unique(outcome[:, m])) > 2]
    return np.array(rows).reshape(len(rows), n)


def _crossed(latents, factors, outcomes) -> Library:
    """Every product of one of each, simple ones first."""
    rows = list(itertools.product(latents, outcomes, factors))
    simple = sorted(rows, key=lambda row: int(row[0].sum() + row[1].sum()))
    return Library(
        np.array([row[0] for row in simple]).reshape(len(simple), latents.shape[1]),
        np.array([row[2] for row in simple]).reshape(len(simple), factors.shape[1]),
        np.array([row[1] for row in simple]).reshape(len(simple), outcomes.shape[1]),
    )


def _products(x, power) -> Float[np.ndarray, "point term"]:
    return np.stack([(x**row).prod(1) for row in power], 1) if len(power) else np.zeros((len(x), 0))
