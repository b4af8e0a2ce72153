"""A model in the animals' own sessions: their trials, probabilities and misses, its own choices."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ...choices import sample_choice
from ...errors import ConfigError, DataError
from ...models.base import Model
from ...trials import MISSED, Trials
from ...unrolling import check_fits
from ..schedule import Schedule


class _Recorded(NamedTuple):
    """What a simulation takes from the recorded trials. levels: of no outcome and of one."""

    probability: Float[Array, "session trial outcome choice"]
    choice: Int[Array, "session trial"]
    valid: Bool[Array, "session trial"]
    instructed: Bool[Array, "session trial"]
    levels: Float[Array, "outcome 2"]


def simulate_along(
    model: Model,
    trials: Trials,
    schedule: Schedule,
    *,
    key: Key[Array, ""],
    n_repeats: int = 20,
) -> list[Trials]:
    """Simulates a model in the sessions that animals went through, several times.

    Sessions, subjects, trials and reward probabilities are those of the animals. Each free choice
    is drawn from the model, and its outcomes from the schedule. Missed trials stay missed, and
    instructed choices are made as instructed.

    Args:
        model: any model; its subjects are those of the trials.
        trials: the animals' own.
        schedule: with which probability each outcome follows each choice, also those not made.
        key: of choices and outcomes.
        n_repeats: how often all sessions are simulated.

    Returns:
        The simulated trials of each repeat, without signals.

    Raises:
        ConfigError: `n_repeats` is below 1.
        DataError: the model does not suit the trials; a probability is missing or lies outside
            [0, 1]; or an outcome has more than two values.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, key = accumbens.QLearning(0.5, 3.0), jax.random.key(0)
        >>> task = accumbens.ReversalBandit()
        >>> trials = accumbens.simulate(agent, task, n_sessions=2, n_trials=30, key=key)
        >>> schedule = accumbens.credit.schedule_of(trials)
        >>> accumbens.credit.simulate_along(agent, trials, schedule, key=key, n_repeats=3)[2].length
        array([30, 30])
    """
    if n_repeats < 1:
        raise ConfigError(f"n_repeats is {n_repeats}; it must be at least 1.")
    check_fits(model, trials)
    recorded = _Recorded(
        jnp.asarray(_complete(trials, schedule), jnp.float32),
        jnp.asarray(trials.choice),
        jnp.asarray(trials.valid),
        jnp.asarray(trials.instructed),
        jnp.asarray(_levels(trials), jnp.float32),
    )
    subject, repeats = jnp.asarray(trials.subject), []
    for i in range(n_repeats):
        made = _simulated(model, recorded, subject, jax.random.fold_in(key, i))
        choice, outcome = (np.asarray(x) for x in made)
        repeats.append(_as_trials(trials, choice, outcome))
    return repeats


@eqx.filter_jit
def _simulated(model: Model, recorded: _Recorded, subject, key):
    n_sessions, n_trials, n_outcomes, _ = recorded.probability.shape
    uniform = jax.random.uniform(key, (n_sessions, n_trials, 1 + n_outcomes))

    def session(recorded: _Recorded, subject, uniform):
        def trial(state, seen):
            of_trial, u = seen
            drawn = sample_choice(model.choice_logits(state), u[0])
            forced = jnp.where(of_trial.valid, of_trial.choice, 0)
            choice = jnp.where(of_trial.instructed, forced, drawn)
            came = u[1:] < of_trial.probability[:, choice]
            outcome = jnp.where(came, recorded.levels[:, 1], recorded.levels[:, 0])
            moved = model.update(state, choice, outcome)
            state = jax.tree.map(lambda new, old: jnp.where(of_trial.valid, new, old), moved, state)
            return state, (choice, outcome)

        along = recorded._replace(levels=jnp.zeros(uniform.shape[0]))
        return jax.lax.scan(trial, model.initial_state(subject), (along, uniform))[1]

    axes = _Recorded(0, 0, 0, 0, None)  # pyright: ignore[reportArgumentType]
    return jax.vmap(session, in_axes=(axes, 0, 0))(recorded, subject, uniform)


def _complete(trials: Trials, schedule: Schedule) -> Float[np.ndarray, "session trial outcome c"]:
    """The probabilities, 0 where no choice is made. Raises DataError where one is missing."""
    if schedule.outcomes != trials.names.outcomes:
        raise DataError(
            f"The schedule is of the outcomes {schedule.outcomes}, but the trials have "
            f"{trials.names.outcomes}. Make the schedule from these trials."
        )
    p = np.where(trials.valid[..., None, None], schedule.probability, 0.0)
    bad = ~((p >= 0) & (p <= 1))
    if bad.any():
        session, trial, outcome, choice = np.argwhere(bad)[0]
        raise DataError(
            f"To simulate choices that the animals did not make, the schedule needs the "
            f"probability of every outcome after every choice. That of "
            f"{schedule.outcomes[outcome]} after choice {trials.names.choices[choice]} is missing "
            f"or outside [0, 1] in session {trials.session_labels[session]}, trial "
            f"{trials.number[session, trial]}."
        )
    return p


def _levels(trials: Trials) -> Float[np.ndarray, "outcome 2"]:
    """The two values of each outcome: of none, and of one."""
    levels = []
    for k, name in enumerate(trials.names.outcomes):
        found = np.unique(trials.outcome[..., k][trials.valid])
        if len(found) > 2:
            raise DataError(
                f"The outcome {name} has {len(found)} values ({found[0]:g} to {found[-1]:g}), so a "
                "schedule of probabilities does not say which of them comes. Code it as none and "
                "one."
            )
        if len(found) == 1:  # all alike: the other value is as in the usual coding
            found = np.array([0.0, found[0]]) if found[0] > 0 else np.array([found[0], 1.0])
        levels.append(found)
    return np.array(levels).reshape(-1, 2)


def _as_trials(trials: Trials, choice, outcome) -> Trials:
    valid = trials.valid
    names = dataclasses.replace(trials.names, signals=())
    return dataclasses.replace(
        trials,
        choice=np.where(valid, choice, MISSED).astype(trials.choice.dtype),
        outcome=np.where(valid[..., None], outcome, 0.0).astype(trials.outcome.dtype),
        signal=np.zeros((*valid.shape, 0)),
        names=names,
    )
