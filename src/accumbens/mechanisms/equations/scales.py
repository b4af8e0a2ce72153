"""In which unit a latent is described: latents of a network are known up to a factor and a shift.

The unit is chosen so that an equation reads in the field's form. Of the value of an option, 1 is
what reward draws it to, and 0 what no reward draws it to. Of a variable that choices move in
opposite directions, +1 is what choice 1 (rewarded) draws it to, and -1 what choice 0 does.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np

from .points import Points

Role = Literal["value", "difference", "habit", "reward", "other"]
"""What moves a latent. value: outcomes of one choice. difference: outcomes of both choices, in
opposite directions. habit: choices, whatever the outcome. reward: outcomes, whatever the choice."""

SLOW = 0.02
"""Below this rate a target lies so far off that it is not determined."""
ALIKE = 0.5
"""Effects of two choices are alike where the smaller is at least this share of the larger."""
HABIT = 0.2
"""Outcomes do not count where their effect is below this share of the choice's."""


class Move(NamedTuple):
    """What one choice with one outcome does to a latent: z <- (1 - rate) z + rate target.

    Attributes:
        choice, outcome: the condition.
        n: trials.
        rate, step: z <- z + step - rate z, by least squares.
        share: of the latent's movement in this condition, what that line explains.
    """

    choice: int
    outcome: tuple[float, ...]
    n: int
    rate: float
    step: float
    share: float

    @property
    def target(self) -> float:
        """Where the latent would end; NaN where it hardly moves towards anything."""
        return self.step / self.rate if abs(self.rate) > SLOW else np.nan

    def push(self, at: float) -> float:
        """The change of a latent that is `at`."""
        return self.step - self.rate * at


class Scale(NamedTuple):
    """The unit of a latent.

    Attributes:
        zero, one: the network's values that are 0 and 1 in the equation.
        role: what moves the latent.
        own: the choice to which it belongs (role value), else 1.
        words: what 0 and 1 are.
        reference: the choice and outcome that draw it to 1; None where it has another unit.
    """

    zero: float
    one: float
    role: Role
    own: int
    words: str
    reference: tuple[int, tuple[float, ...]] | None = None


def moves_of(points: Points, k: int, least: int = 10) -> list[Move]:
    """The line of each choice and outcome that occurs on at least so many trials."""
    each = np.column_stack([points.choice, points.outcome])
    rows, member = np.unique(each, axis=0, return_inverse=True)
    moves = []
    for i, row in enumerate(rows):
        here = member.reshape(-1) == i
        if here.sum() < least:
            continue
        z = points.before[here, k]
        change = points.after[here, k] - z
        design = np.column_stack([np.ones(len(z)), -z])
        step, rate = np.linalg.lstsq(design, change, rcond=1e-10)[0]
        error = change - design @ np.array([step, rate])
        share = 1 - (error @ error) / max(float(change @ change), 1e-300)
        outcome = tuple(row[1:].tolist())
        moves.append(
            Move(int(row[0]), outcome, int(here.sum()), float(rate), float(step), float(share))
        )
    return moves


def scale_of(points: Points, k: int, n_choices: int) -> Scale:
    """The unit in which latent k is described."""
    z = points.before[:, k]
    spread, middle = float(z.std()), float(z.mean())
    plain = Scale(
        float(points.initial[k]), float(points.initial[k]) + (spread or 1.0), "other", 1,
        "0 is its value at the start of a session, 1 a standard deviation over trials above",
    )  # fmt: skip
    moves = {(move.choice, move.outcome): move for move in moves_of(points, k)}
    outcomes = sorted({outcome for _, outcome in moves}, key=lambda o: (sum(o), o))
    made = sorted({choice for choice, _ in moves})
    if spread <= 0 or len(made) < 2 or not outcomes:
        return plain
    none, high = outcomes[0], _reference(moves, outcomes, made, middle)
    push = {key: move.push(middle) for key, move in moves.items()}
    reward = {
        c: push[c, high] - push[c, none] for c in made if (c, high) in push and (c, none) in push
    }
    by_choice = {c: np.mean([push[key] for key in push if key[0] == c]) for c in made}
    contrast = max(by_choice.values()) - min(by_choice.values())
    if not reward or max(map(abs, reward.values())) < HABIT * contrast:
        return _habit(moves, made, by_choice, n_choices, spread, middle) or plain
    own = max(reward, key=lambda c: abs(reward[c]))
    others = [reward[c] / reward[own] for c in reward if c != own]
    if n_choices == 2 and others and others[0] < -ALIKE:
        zero, top = _middle(moves, outcomes), moves[1, high].target
        if _determined(zero, top, spread, middle):
            words = "1 is where the rewarded choice 1 draws it, -1 where the rewarded choice 0 does"
            return Scale(zero, top, "difference", 1, words, (1, high))
    common = bool(others) and min(others) > ALIKE
    found = _scaled(moves, (own, none), (own, high), spread, middle)
    if found is None:
        return plain._replace(role="reward" if common else "value", own=own)
    words = "1 is where reward draws it, 0 where no reward does"
    role, whose = ("reward", 1) if common else ("value", own)
    return Scale(*found, role, whose, words, (own, high))


def _habit(moves, made, by_choice, n_choices, spread, middle) -> Scale | None:
    """Choices alone move it: +1 and -1 are where they draw it; of more than two, 1 and 0."""
    own = max(by_choice, key=lambda c: abs(by_choice[c] - np.mean(list(by_choice.values()))))
    own = 1 if n_choices == 2 else own
    targets = {
        c: np.mean([move.target for key, move in moves.items() if key[0] == c]) for c in made
    }
    others = [targets[c] for c in made if c != own]
    if own not in targets:
        return None
    low, top = float(np.mean(others)), float(targets[own])
    if not _determined(low, top, spread, middle):
        return None
    reference = next(key for key in moves if key[0] == own)
    if n_choices == 2:
        words = "1 is where choice 1 draws it, -1 where choice 0 does"
        return Scale((low + top) / 2, top, "habit", 1, words, reference)
    words = f"1 is where choice {own} draws it, 0 where others do"
    return Scale(low, top, "habit", own, words, reference)


def _middle(moves, outcomes) -> float:
    """Half way between where choice 0 and choice 1 draw it, over the outcomes of both."""
    both = [(moves[0, o], moves[1, o]) for o in outcomes if (0, o) in moves and (1, o) in moves]
    found = [((a.target + b.target) / 2, a.n + b.n) for a, b in both]
    found = [(middle, n) for middle, n in found if np.isfinite(middle)]
    if not found:
        return np.nan
    return float(np.average([m for m, _ in found], weights=[n for _, n in found]))


def _scaled(moves, low, high, spread, middle) -> tuple[float, float] | None:
    """The targets after two conditions, where both are determined."""
    if low not in moves or high not in moves:
        return None
    found = moves[low].target, moves[high].target
    if np.isnan(found[0]) and not np.isnan(found[1]):
        # what does not move it at all says nothing of where 0 is: where other choices draw it does
        others = [m.target for key, m in moves.items() if key[0] != low[0]]
        others = [target for target in others if not np.isnan(target)]
        found = (float(np.mean(others)) if others else middle - spread, found[1])
    return found if _determined(*found, spread, middle) else None


def _determined(low: float, top: float, spread: float, middle: float) -> bool:
    far = max(abs(low - middle), abs(top - middle))
    return bool(
        np.isfinite([low, top]).all() and 0.2 * spread < abs(top - low) and far < 30 * spread
    )


def _reference(moves, outcomes, made, middle) -> tuple[float, ...]:
    """The outcome whose effect is the unit: all rewards together, unless others do far more."""

    def effect(outcome) -> float:
        pairs = [(moves[c, outcome], moves[c, outcomes[0]]) for c in made
                 if (c, outcome) in moves and (c, outcomes[0]) in moves]  # fmt: skip
        return max((abs(a.push(middle) - b.push(middle)) for a, b in pairs), default=0.0)

    effects = {outcome: effect(outcome) for outcome in outcomes}
    together = outcomes[-1]
    if effects[together] >= ALIKE * max(effects.values()):
        return together
    return max(effects, key=lambda outcome: effects[outcome])
