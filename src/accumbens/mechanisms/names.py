"""What each latent is called: the variable of a fitted cognitive model that follows its course."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from ..models.base import Model
from ..scoring.intervals import mean_interval
from ..trials import Trials, expect_trials
from .anatomy import Anatomy
from .variables import Variable, choice_words, variables_of, variables_of_trials, varied

if TYPE_CHECKING:
    import pandas as pd

NAMED = 0.8
"""R2 from which on a latent has a variable's name."""
CLOSE = 0.01
"""R2 by which a name must be ahead of another kind of variable, at least, to be told apart."""
ALIKE_RATES = 0.05
"""Learning rates that differ by less are one."""


class Match(NamedTuple):
    """A variable beside a latent.

    Attributes:
        kind: what the variable is, `value of left`.
        model: label of the model that has it; `trials` for what needs none.
        r2: share of the latent's variance that an affine map of the variable explains in sessions
            to which the map was not fitted.
        scale: of that map, over all sessions; its sign says which way the latent points.
    """

    kind: str
    model: str
    r2: float
    scale: float


@dataclasses.dataclass(frozen=True)
class LatentName:
    """What a latent is called.

    Attributes:
        latent: its name in the network, `z_1`.
        best: the variable that follows it best; None where there is no variable.
        runner_up: the best variable of another kind; None where there is none.
        told_apart: whether `best` is ahead of it, over sessions.
        rates: after each choice and outcome, how far the latent moves to its target; NaN where it
            does not move in proportion to its distance from one.
        rates_in_words: `learning rate 0.31`; empty where updates do not have that form.
    """

    latent: str
    best: Match | None
    runner_up: Match | None
    told_apart: bool
    rates: dict[str, float]
    rates_in_words: str

    @property
    def named(self) -> bool:
        """Whether a variable follows it closely enough to give it a name."""
        return self.best is not None and self.best.r2 >= NAMED

    @property
    def sentence(self) -> str:
        """The name in words."""
        best = self.best
        if best is None or not self.named:
            nearest = (
                "" if best is None else f"; the nearest is {_of_model(best)}, R2 {best.r2:.2f}"
            )
            said = f"{self.latent} is like nothing in the catalogue (R2 below {NAMED:g}{nearest})"
        else:
            turned = ", turned over" if best.scale < 0 else ""
            said = f"{self.latent} is {_of_model(best)} (R2 {best.r2:.2f}{turned})"
            if not self.told_apart and self.runner_up is not None:
                second = self.runner_up
                said += f", not told apart from {_of_model(second)} (R2 {second.r2:.2f})"
        return f"{said}; {self.rates_in_words}." if self.rates_in_words else f"{said}."


def name_latents(
    found: Anatomy, trials: Trials, agents: Mapping[str, Model]
) -> tuple[LatentName, ...]:
    """What each latent of a network is called.

    Every other session gives the affine map from a variable to the latent, the rest its R2, and the
    other way round; of a single session, the halves.

    Args:
        found: what the network does along these trials (`dissect`).
        trials: the same trials.
        agents: fitted cognitive models by label (`fit_agents`).

    Returns:
        A name for each latent, in order.
    """
    expect_trials(trials)
    variables = [v for label, model in agents.items() for v in variables_of(model, label, trials)]
    variables = varied([*variables, *variables_of_trials(trials)], trials)
    session = np.nonzero(trials.valid)[0][found.kept]
    values = np.stack([v.values[trials.valid][found.kept] for v in variables], 1)
    half = _halves(session)
    return tuple(
        _named(found, k, variables, values, session, half, trials) for k in range(found.n_latents)
    )


def names_to_frame(names: Sequence[LatentName]) -> pd.DataFrame:
    """One row a latent, as a DataFrame: best variable, its model, R2, runner-up, in words."""
    import pandas as pd

    rows = [
        {
            "latent": n.latent, "named": n.named,
            **_columns("best", n.best), **_columns("runner_up", n.runner_up),
            "told_apart": n.told_apart, "rates": n.rates_in_words, "sentence": n.sentence,
        }
        for n in names
    ]  # fmt: skip
    return pd.DataFrame(rows)


def _columns(prefix: str, match: Match | None) -> dict[str, Any]:
    if match is None:
        return {prefix: None, f"{prefix}_model": None, f"{prefix}_r2": None}
    return {prefix: match.kind, f"{prefix}_model": match.model, f"{prefix}_r2": match.r2}


def _named(
    found: Anatomy, k: int, variables: Sequence[Variable],
    values: Float[np.ndarray, "trial variable"], session: Int[np.ndarray, " trial"],
    half: Int[np.ndarray, " trial"], trials: Trials,
) -> LatentName:  # fmt: skip
    z = found.path[:, k]
    errors = _held_out_errors(z, values, half)
    total = ((z - z.mean()) ** 2).sum()
    r2 = 1 - errors.sum(0) / total
    matches = [
        Match(v.kind, v.model, float(r2[i]), _scale(z, values[:, i]))
        for i, v in enumerate(variables)
    ]
    rates = _rates(found, k, trials)
    if not matches:
        return LatentName(found.latents[k], None, None, True, rates, "")
    first = int(np.argmax(r2))
    others = [i for i, v in enumerate(variables) if v.kind != variables[first].kind]
    if not others:
        return LatentName(found.latents[k], matches[first], None, True, rates, "")
    second = max(others, key=lambda i: r2[i])
    words = _rates_in_words(matches[first].kind, found, k, trials)
    return LatentName(
        found.latents[k], matches[first], matches[second],
        _is_ahead(errors[:, second] - errors[:, first], session, total), rates, words,
    )  # fmt: skip


def _held_out_errors(z, values, half) -> Float[np.ndarray, "trial variable"]:
    """Squared errors of affine maps that were fitted to the other half."""
    errors = np.zeros(values.shape)
    for own in (0, 1):
        fitted, tested = half != own, half == own
        x, y = values[fitted], z[fitted]
        mean_x, mean_y = x.mean(0), y.mean()
        variance = ((x - mean_x) ** 2).sum(0)
        slope = ((x - mean_x) * (y - mean_y)[:, None]).sum(0) / np.maximum(variance, 1e-12)
        said = mean_y + slope * (values[tested] - mean_x)
        errors[tested] = (z[tested][:, None] - said) ** 2
    return errors


def _is_ahead(more: Float[np.ndarray, " trial"], session, total: float) -> bool:
    """Whether the squared error of the runner-up is larger, by `CLOSE` of the variance, with a 95 %
    interval over sessions that excludes 0 (where there are sessions enough)."""
    by_session = np.bincount(session, weights=more)[np.unique(session)]
    if more.sum() / total < CLOSE:
        return False
    if len(by_session) < 3:
        return True
    return bool(mean_interval(by_session[:, None]).low[0] > 0)


def _halves(session: Int[np.ndarray, " trial"]) -> Int[np.ndarray, " trial"]:
    numbers, place = np.unique(session, return_inverse=True)
    if len(numbers) > 1:
        return place % 2
    return (np.arange(len(session)) >= len(session) / 2).astype(int)


def _scale(z, x) -> float:
    centred = x - x.mean()
    return float((centred * z).sum() / max((centred**2).sum(), 1e-12))


def _rates(found: Anatomy, k: int, trials: Trials) -> dict[str, float]:
    """How far the latent moves to its target, after each condition."""
    names, choices = trials.names.outcomes, choice_words(trials.names)
    labels = []
    for choice, outcome in zip(found.conditions.choice, found.conditions.outcome, strict=True):
        values = (f"{name} {x:.3g}" for name, x in zip(names, outcome, strict=True))
        labels.append(", ".join([choices[choice], *values]))
    return dict(zip(labels, found.rates[:, k].tolist(), strict=True))


def _rates_in_words(kind: str, found: Anatomy, k: int, trials: Trials) -> str:
    """`learning rate 0.31`; by condition where rates differ."""
    rates, words = found.rates[:, k], _rates(found, k, trials)
    choice = found.conditions.choice
    for i, name in enumerate(choice_words(trials.names)):
        if kind.endswith(f" of {name}") and not kind.startswith("trace"):
            own, other = rates[choice == i], rates[choice != i]
            said = _one("learning rate", own) or _several(
                "learning rates", {w: r for (w, r), c in zip(words.items(), choice, strict=True)
                                   if c == i})  # fmt: skip
            forgets = _one("forgetting rate", other)
            known = np.abs(other[np.isfinite(other)])
            small = bool(len(known)) and bool(known.max() < ALIKE_RATES)
            return ", ".join(filter(None, [said, "" if small else forgets]))
    return _one("learning rate", rates) or _several("rates", words)


def _one(what: str, rates: Float[np.ndarray, " condition"]) -> str:
    if not len(rates) or np.isnan(rates).any() or np.ptp(rates) > ALIKE_RATES:
        return ""
    return f"{what} {rates.mean():.2f}"


def _several(what: str, rates: Mapping[str, float]) -> str:
    if not rates or any(np.isnan(r) for r in rates.values()) or len(rates) > 6:
        return ""
    return f"{what} " + ", ".join(f"{r:.2f} ({label})" for label, r in rates.items())


def _of_model(match: Match) -> str:
    if match.model == "trials":
        return f"the {match.kind}"
    return f"the {match.kind} ({match.model})"
