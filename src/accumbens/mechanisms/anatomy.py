"""What one fitted disRNN does along some trials: its latents, what moves each, how each moves.

Everything is measured along the data, in the network's own behaviour; the noise of a bottleneck
alone would not say how much comes through it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from ..models.disrnn import DisRNN, DisRNNState
from ..trials import Trials
from .situations import Conditions, conditions_of, evenly

MAX_PATH = 20_000
"""Trials along which trajectories are compared; of more, as many, evenly spaced."""
STILL = 1e-3
"""A latent or log-odds whose standard deviation over trials is below this one carries nothing."""
PROPORTIONAL = 0.05
"""Root mean square, in standard deviations of the latent, by which changes may depart from a line
and still count as steps to a target at one rate."""
CHOICE = "choice"


class Anatomy(NamedTuple):
    """What a fitted disRNN does along the trials with a choice.

    Attributes:
        latents: names of the latents that are used: open, moving, and read by what predicts choices
            or signals, at once or through other latents.
        kept: numbers of the trials with a choice along which they are given.
        path: these latents before each of these trials.
        log_odds: of each choice against the first, before each trial.
        inputs: names of what may move a latent: choice, outcomes, and the used latents.
        effects: share of the variance of each latent's change that depends on each input (total
            effect); 0 for the latent itself.
        readout: share of the variance of the log-odds that depends on each latent.
        changes: of each latent in one trial, in its own standard deviations, from each of some
            trials' states, after each condition.
        rates: a in z <- (1 - a) z + a target after each condition; NaN where a latent does not move
            in proportion to its distance from a target.
        conditions: a choice and its outcomes, as they occur.
    """

    latents: tuple[str, ...]
    kept: Int[np.ndarray, " trial"]
    path: Float[np.ndarray, "trial latent"]
    log_odds: Float[np.ndarray, "trial choice"]
    inputs: tuple[str, ...]
    effects: Float[np.ndarray, "latent input"]
    readout: Float[np.ndarray, " latent"]
    changes: Float[np.ndarray, "state condition latent"]
    rates: Float[np.ndarray, "condition latent"]
    conditions: Conditions

    @property
    def n_latents(self) -> int:
        """How many latents are used."""
        return len(self.latents)


def dissect(model: DisRNN, trials: Trials) -> Anatomy:
    """What a disRNN does along some trials, without noise.

    A network that tells subjects apart is looked at as that of their average.

    Args:
        model: a fitted disRNN.
        trials: along which it is looked at.

    Returns:
        Its latents, what moves them and how.
    """
    n_subjects = model.core.embedding.shape[0]
    average = model.average_subject(jnp.full(n_subjects, 1.0 / n_subjects))
    batch = trials.select_signals(()).batch()
    batch = batch._replace(subject=np.zeros_like(batch.subject))
    before, logits = _along(average, batch)
    z = np.asarray(before).transpose(2, 0, 1)[trials.valid].astype(np.float64)
    logits = np.asarray(logits)[trials.valid].astype(np.float64)
    used = np.array([k for k in used_latents(model) if z[:, k].std() > STILL], np.int64)
    kept = evenly(len(z), MAX_PATH)
    choice = trials.choice[trials.valid]
    outcome = trials.outcome[trials.valid].astype(np.float64)
    names = tuple(model.latent_names[k] for k in used)
    situations = conditions_of(trials)
    seen = evenly(len(z))
    changes = _changes(average, z[seen], used, situations)
    return Anatomy(
        latents=names,
        kept=kept,
        path=z[kept][:, used],
        log_odds=(logits - logits[:, :1])[kept, 1:],
        inputs=(CHOICE, *model.outcome_names, *names),
        effects=_effects(average, z[seen], choice[seen], outcome[seen], used),
        readout=_readout(average, z[seen], used),
        changes=changes / z[:, used].std(0),
        rates=_rates(z[seen][:, used], changes),
        conditions=situations,
    )


def used_latents(model: DisRNN) -> list[int]:
    """Numbers of the open latents that something reads which predicts choices or signals, at once
    or through other open latents."""
    number = {name: k for k, name in enumerate(model.latent_names)}
    rows = [row for row in model.bottlenecks() if row.openness != "closed"]
    opened = {number[row.reader] for row in rows if row.kind == "latent"}
    read = [row for row in rows if row.kind != "latent" and number.get(row.input) in opened]
    used = {number[row.input] for row in read if row.kind != "update"}
    while True:
        through = {
            number[row.input] for row in read if row.kind == "update" and number[row.reader] in used
        }
        if through <= used:
            return sorted(used)
        used |= through


def _changes(
    model: DisRNN, z: Float[np.ndarray, "state latent"], used: Int[np.ndarray, " used"],
    conditions: Conditions,
) -> Float[np.ndarray, "state condition used"]:  # fmt: skip
    found = [
        _moved(model, z, np.full(len(z), choice), np.tile(outcome, (len(z), 1)))[:, used]
        for choice, outcome in zip(conditions.choice, conditions.outcome, strict=True)
    ]
    return np.stack(found, 1)


def _rates(
    z: Float[np.ndarray, "state used"], changes: Float[np.ndarray, "state condition used"]
) -> Float[np.ndarray, "condition used"]:
    """The slope of changes on the latent itself, turned over."""
    centred = z - z.mean(0)
    variance = np.maximum((centred**2).mean(0), STILL**4)
    moved = changes - changes.mean(0)
    slope = (centred[:, None] * moved).mean(0) / variance
    rest = np.sqrt(((moved - slope * centred[:, None]) ** 2).mean(0))
    return np.where(rest <= PROPORTIONAL * np.sqrt(variance), -slope, np.nan)


def _effects(
    model: DisRNN, z: Float[np.ndarray, "trial latent"], choice: Int[np.ndarray, " trial"],
    outcome: Float[np.ndarray, "trial outcome"], used: Int[np.ndarray, " used"],
) -> Float[np.ndarray, "used input"]:  # fmt: skip
    """Total effects (Jansen): half the mean square of what changes where one input is another
    trial's, over the variance."""
    plain = _moved(model, z, choice, outcome)[:, used]
    found = [_total(plain, lambda by: _moved(model, z, np.roll(choice, by), outcome)[:, used])]
    for i in range(outcome.shape[1]):
        found.append(
            _total(
                plain, lambda by, i=i: _moved(model, z, choice, _rolled(outcome, i, by))[:, used]
            )
        )
    for place, k in enumerate(used.tolist()):
        effect = _total(
            plain, lambda by, k=k: _moved(model, _rolled(z, k, by), choice, outcome)[:, used]
        )
        effect[place] = 0.0
        found.append(effect)
    return np.stack(found, 1)


def _readout(
    model: DisRNN, z: Float[np.ndarray, "trial latent"], used: Int[np.ndarray, " used"]
) -> Float[np.ndarray, " used"]:
    def odds(at: Float[np.ndarray, "trial latent"]) -> Float[np.ndarray, "trial choice"]:
        logits = np.asarray(_logits(model, jnp.asarray(at, jnp.float32)), np.float64)
        return logits[:, 1:] - logits[:, :1]

    plain = odds(z)
    found = [_total(plain, lambda by, k=k: odds(_rolled(z, k, by))).max() for k in used.tolist()]
    return np.asarray(found)


def _total(
    plain: Float[np.ndarray, "trial output"],
    other: Callable[[int], Float[np.ndarray, "trial output"]],
) -> Float[np.ndarray, " output"]:
    n = len(plain)
    squares = [np.square(other(by) - plain).mean(0) for by in (n // 4, n // 2, 3 * n // 4)]
    variance = plain.var(0)
    moving = variance > STILL**2
    return np.where(moving, np.mean(squares, 0) / 2 / np.where(moving, variance, 1.0), 0.0)


def _rolled(values: Float[np.ndarray, "trial column"], i: int, by: int):
    moved = values.copy()
    moved[:, i] = np.roll(moved[:, i], by)
    return moved


def _moved(
    model: DisRNN, z: Float[np.ndarray, "trial latent"], choice: Int[np.ndarray, " trial"],
    outcome: Float[np.ndarray, "trial outcome"],
) -> Float[np.ndarray, "trial latent"]:  # fmt: skip
    """How far each latent moves in a trial."""
    after = _updated(
        model, jnp.asarray(z, jnp.float32), jnp.asarray(choice), jnp.asarray(outcome, jnp.float32)
    )
    return np.asarray(after, np.float64) - z


@eqx.filter_jit
def _along(model: DisRNN, batch):
    observed = model.observed(batch)
    before = model.core.along(observed, None).before
    return before, model.choices_along(before, observed, None)


@eqx.filter_jit
def _updated(model: DisRNN, z, choice, outcome):
    def one(z, choice, outcome):
        return model.update(DisRNNState(z, jnp.asarray(0)), choice, outcome).z

    return jax.vmap(one)(z, choice, outcome)


@eqx.filter_jit
def _logits(model: DisRNN, z):
    return jax.vmap(lambda one: model.choice_logits(DisRNNState(one, jnp.asarray(0))))(z)
