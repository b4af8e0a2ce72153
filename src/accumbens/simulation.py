"""Simulation of a model in a task, with the model's latent variables on request.

The trials of a session are one compiled scan, mapped over sessions. Every random number has the
address (key, session, trial), so a session is the same however many others are simulated.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key

from .choices import sample_choice
from .errors import ConfigError, expect_whole
from .models.base import Model, refuse_class
from .models.own import check_own_model
from .progress.threads import in_threads
from .tasks.base import Task, standard_normal
from .threefry import check_key, threefry, uniforms
from .trials import TrialNames, Trials


class _Simulated(NamedTuple):
    """One chunk of sessions."""

    choice: Int[Array, "session trial"]
    outcome: Float[Array, "session trial outcome"]
    context: Float[Array, "session trial context"]
    signal: Float[Array, "session trial signal"]
    latents: dict[str, Float[Array, "session trial"]]


def simulate(
    model: Model,
    task: Task,
    *,
    n_sessions: int,
    n_trials: int,
    key: Key[Array, ""],
    subject: int | Sequence[int] = 0,
    signal_noise: float | Sequence[float] = 0.0,
    signal_names: Sequence[str] | None = None,
    chunk: int = 1024,
) -> Trials:
    """Simulates a model in a task; each choice is drawn from softmax(choice_logits).

    Args:
        model: any model.
        task: with as many choices as the model.
        n_sessions: number of sessions.
        n_trials: trials of each session.
        key: the same key gives the same trials; session s is the same whatever `n_sessions` is.
        subject: number of the subject, or one number for each session, for models with subjects.
        signal_noise: SD of Gaussian noise that is added to the signals of the model, in their unit;
            for all signals, or one for each.
        signal_names: by default `dopamine`, or `dopamine_0`, `dopamine_1`, ... for several.
        chunk: sessions that each thread simulates at once; affects memory and time only.

    Returns:
        The trials, with the context of the task (such as `reward_probability_0`) as context.

    Raises:
        ConfigError: model and task differ in their number of choices, or an option is impossible.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent = accumbens.QLearning(0.3, 3.0, gain=1.0, offset=0.0)
        >>> task, key = accumbens.DriftingBandit(drift=0.1), jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=2, n_trials=50, key=key)
        >>> trials.n_sessions, trials.names.signals, trials.names.contexts
        (2, ('dopamine',), ('reward_probability_0', 'reward_probability_1'))
    """
    options = (n_sessions, n_trials, key, subject, signal_noise, signal_names, chunk)
    return _simulate(model, task, *options, with_latents=False)[0]


def simulate_with_latents(
    model: Model,
    task: Task,
    *,
    n_sessions: int,
    n_trials: int,
    key: Key[Array, ""],
    subject: int | Sequence[int] = 0,
    signal_noise: float | Sequence[float] = 0.0,
    signal_names: Sequence[str] | None = None,
    chunk: int = 1024,
) -> tuple[Trials, dict[str, Float[np.ndarray, "session trial"]]]:
    """Simulates a model in a task as `simulate` does, and gives its latent variables too.

    Arguments and errors are those of `simulate`.

    Returns:
        The trials, and each latent variable by name. Those of the state are from before the trial
        (`Q_0`), those of the outcome are of the trial itself (`prediction_error`).
    """
    options = (n_sessions, n_trials, key, subject, signal_noise, signal_names, chunk)
    return _simulate(model, task, *options, with_latents=True)


def _simulate(
    model, task, n_sessions, n_trials, key, subject, signal_noise, signal_names, chunk, with_latents
):
    subject, noise = np.asarray(subject, np.int32), np.asarray(signal_noise, np.float32)
    check_key(key)
    _check(model, task, n_sessions, n_trials, subject, noise, chunk)
    subject = np.array(np.broadcast_to(subject, n_sessions))
    noise = np.broadcast_to(noise, model.n_signals)
    names = _names(model, task, n_sessions, subject, signal_names)
    task = jax.tree.map(jnp.asarray, task)  # or other probabilities would compile anew
    size = _round_up(math.ceil(n_sessions / math.ceil(n_sessions / chunk)))

    def part(first: int) -> _Simulated:
        session = np.arange(first, first + size)
        subjects = subject[np.minimum(session, n_sessions - 1)]
        return _simulate_chunk(model, task, key, session, subjects, noise, n_trials, with_latents)

    def store(first: int, simulated: _Simulated) -> None:
        def copy(to, given):
            to[first : first + size] = np.asarray(given)[: n_sessions - first]

        jax.tree.map(copy, whole, simulated)

    compiled = part(0)
    whole: Any = jax.tree.map(
        lambda x: np.empty(
            (n_sessions, *x.shape[1:]), np.int32 if x.dtype == np.int32 else np.float64
        ),
        compiled,
    )
    store(0, compiled)
    in_threads(lambda first: store(first, part(first)), range(size, n_sessions, size))
    trials = Trials(
        choice=whole.choice,
        outcome=whole.outcome,
        context=whole.context,
        signal=whole.signal,
        number=np.broadcast_to(np.arange(n_trials), (n_sessions, n_trials)),
        instructed=np.broadcast_to(np.array(False), (n_sessions, n_trials)),
        length=np.full(n_sessions, n_trials),
        subject=subject,
        names=names,
    )
    return trials, dict(whole.latents)


def _round_up(sessions: int) -> int:
    """Rounds up to a multiple of 64; a CPU would compute, and round, a remainder differently."""
    return 64 * math.ceil(sessions / 64)


@eqx.filter_jit
def _simulate_chunk(model, task, key, session, subject, noise, n_trials, with_latents):
    seed = jax.random.bits(key, (2,), jnp.uint32)
    words = threefry((seed[0], seed[1]), (jnp.uint32(0), session.astype(jnp.uint32)))
    first_noise = 1 + task.n_draws

    def trial_of_session(model_state, task_state, uniform):
        choice = sample_choice(model.choice_logits(model_state), uniform[0])
        outcome, next_task_state = task.step(task_state, choice, uniform[1:first_noise])
        signal = model.signals(model_state, choice, outcome)
        if model.n_signals:
            signal = signal + noise * standard_normal(jnp.stack(uniform[first_noise:]))
        latents = OrderedDict()  # JAX would sort a plain dict by name
        if with_latents:
            latents.update(model.latents(model_state))
            latents.update(model.outcome_latents(model_state, choice, outcome))
        record = _Simulated(choice, outcome, task.context(task_state), signal, latents)
        return (model.update(model_state, choice, outcome), next_task_state), record

    def trial(states, t):
        uniform = uniforms(words, t, first_noise + model.n_signals)
        return jax.vmap(trial_of_session)(states[0], states[1], uniform)

    beginning = uniforms(words, jnp.uint32(0), task.n_draws)
    start = (jax.vmap(model.initial_state)(subject), jax.vmap(task.init)(beginning))
    _, records = jax.lax.scan(trial, start, jnp.arange(1, n_trials + 1, dtype=jnp.uint32))
    return jax.tree.map(lambda x: jnp.swapaxes(x, 0, 1), records)


def _names(model, task, n_sessions, subject, signal_names):
    if signal_names is None:
        several = tuple(f"dopamine_{i}" for i in range(model.n_signals))
        signal_names = ("dopamine",) if model.n_signals == 1 else several
    if len(signal_names) != model.n_signals:
        raise ConfigError(
            f"signal_names has {len(signal_names)} names {tuple(signal_names)}, but the model has "
            f"{model.n_signals} signals. Give one name for each signal."
        )
    return TrialNames(
        choices=tuple(range(model.n_choices)),
        outcomes=task.outcome_names,
        signals=tuple(signal_names),
        contexts=task.context_names,
        subjects=tuple(f"subject_{i}" for i in range(subject.max() + 1)),
        sessions=tuple(map(str, range(n_sessions))),
    )


def _check(model, task, n_sessions, n_trials, subject, signal_noise, chunk):
    refuse_class(model)
    if isinstance(task, str | type):
        raise ConfigError(
            f"task is {task!r}, which is no task. Give one, such as accumbens.ReversalBandit()."
        )
    if model.n_choices != task.n_choices:
        raise ConfigError(
            f"The model has {model.n_choices} choices but the task has {task.n_choices}. Build "
            f"the model with n_choices={task.n_choices}."
        )
    check_own_model(model, len(task.outcome_names))
    for name, value in (("n_sessions", n_sessions), ("n_trials", n_trials), ("chunk", chunk)):
        expect_whole(value, name)
        if value < 1:
            raise ConfigError(f"{name} is {value}; it must be at least 1.")
    if subject.shape not in {(), (n_sessions,)} or (subject < 0).any():
        raise ConfigError(
            f"subject has the shape {subject.shape}; it must be one number from 0 up, or one for "
            f"each of the {n_sessions} sessions."
        )
    if signal_noise.shape not in {(), (model.n_signals,)} or not (signal_noise >= 0).all():
        raise ConfigError(
            f"signal_noise is {signal_noise}; it must be one SD, or one for each of the "
            f"{model.n_signals} signals, none negative."
        )
