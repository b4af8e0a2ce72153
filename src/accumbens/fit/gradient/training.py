"""Gradient training in stages: Adam with real gradient clipping, many steps per dispatch.

A stage that leaves the finite numbers is rolled back to its last good step and goes on at a lower
learning rate. Keys are made from the stage's key and the step number, so that a resumed stage gives
the same numbers as one that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, PRNGKeyArray, PyTree

from ...errors import DivergedError
from ...noise import NoiseSource
from .batches import AVERAGING, MiniBatches
from .config import StageConfig
from .division import ALONE, Division
from .objective import Objective
from .processes import divisible, steps_on_all_devices
from .stage import Pace

STEPS_PER_DISPATCH = 50
MAX_RETRIES = 4
SETTLED = 5e-4
"""Means of a term over two spans of steps are equal if they differ by less than this share of the
loss."""


class TrainingState(NamedTuple):
    """All that a stage needs to go on: what is trained, Adam's memory, step, the step from which
    the learning rate falls, rate, retries; with mini-batches the average of what was trained."""

    trained: PyTree
    adam: optax.OptState
    step: int
    falls_from: int
    rate_factor: float
    retries: int
    average: PyTree | None = None

    def n_steps(self, stage: StageConfig) -> int:
        """Steps of the whole stage."""
        return min(stage.steps, self.falls_from + stage.decay_steps)


class Trained(NamedTuple):
    """The model after a stage, and every step's terms of the loss."""

    model: Any
    history: dict[str, Float[np.ndarray, " step"]]


def train(
    model: PyTree,
    objective: Objective,
    data: PyTree,
    weights: PyTree,
    stage: StageConfig,
    *,
    noisy: bool,
    rates: PyTree,
    key: PRNGKeyArray,
    batches: MiniBatches | None = None,
    start: tuple[TrainingState, dict[str, np.ndarray]] | None = None,
    on_dispatch: Callable[[TrainingState, dict[str, np.ndarray]], bool | None] | None = None,
    divided: bool = False,
) -> Trained:
    """One stage: minimise `objective(model, data, weights, noise)` over what `rates` names.

    data, weights, rates, noisy and the numbers of `stage` are arguments of the compiled step: other
    values of the same shapes need no further compilation.

    weights: of the penalties, as the objective takes them. noisy: False is a source of no noise.
    rates: a pytree like `model`: each array's learning rate as a multiple of the stage's; None for
        what is frozen.
    batches: mini-batches of the sessions of `data`, one for each step; None where every step sees
        all. With mini-batches the model that comes out has the averages of the latest weights.
    start: where to go on, from an earlier `on_dispatch`.
    on_dispatch: called with the state and the history so far after every few dozen steps (for
        progress, checkpoints and interruption); the stage ends early if it returns True.
    divided: whether the sessions of each step are divided among all devices of this process and of
        those that serve it, if there are several (see `processes`).
    Raises DivergedError, with the step and term, when lower learning rates do not help either.
    """
    model, weights = _strongly_typed(model), _strongly_typed(weights)
    frozen = _split(model, rates)[1]
    averaged = batches is not None
    state, history = start or (initial_state(model, rates, stage, averaged=averaged), {})
    with steps_on_all_devices(gradient_steps, _compiled_steps, divided=divided) as steps:
        while state.step < state.n_steps(stage):
            (trained, adam, average), terms = steps(*_arguments(
                state, frozen, data, weights, rates, key, noisy, objective, stage, batches
            ))  # fmt: skip
            trained, adam, average = _strongly_typed((trained, adam, average))
            terms = jax.tree.map(np.asarray, terms)
            if _finite(trained) and np.isfinite(terms["loss"]).all():
                n_steps = len(terms["loss"])
                state = state._replace(
                    trained=trained, adam=adam, average=average, step=state.step + n_steps
                )
                history = _extended(history, terms)
                if state.step < state.falls_from and settled(history, stage):
                    state = state._replace(falls_from=state.step)
            else:
                state = _roll_back(state, terms, stage)
            if on_dispatch is not None and on_dispatch(state, history):
                break
    taken = state.trained if state.average is None else state.average
    return Trained(eqx.combine(taken, frozen), history)


def compile_training(
    model: PyTree, objective: Objective, data: PyTree, weights: PyTree, stage: StageConfig,
    *, rates: PyTree,
) -> None:  # fmt: skip
    """Compiles what `train` runs for arguments of these shapes and for this objective."""
    model, weights = _strongly_typed(model), _strongly_typed(weights)
    frozen, state = _split(model, rates)[1], initial_state(model, rates, stage)
    key = jax.random.key(0)
    arguments = _arguments(state, frozen, data, weights, rates, key, True, objective, stage, None)
    _compiled_steps.lower(*arguments).compile()


def initial_state(
    model: PyTree, rates: PyTree, stage: StageConfig, *, averaged: bool = False
) -> TrainingState:
    """The state before the first step of a stage. rates: those of `train`. averaged: whether it has
    mini-batches."""
    trained = _split(_strongly_typed(model), rates)[0]
    adam = _strongly_typed(_adam_before(trained, Pace.of(stage)))
    falls_from, average = stage.steps - stage.decay_steps, trained if averaged else None
    return TrainingState(trained, adam, 0, falls_from, 1.0, 0, average)


def settled(history: dict[str, Float[np.ndarray, " step"]], stage: StageConfig) -> bool:
    """Whether no term of the loss, penalties included, has changed over the last spans of steps.

    All means over the last `settle` steps lie within SETTLED times the loss of those over the
    `settle` steps before: neither the fit nor any bottleneck moves. The rise of the learning rate
    and of the penalties does not count.
    """
    n, rising = stage.settle, max(stage.warm_up, stage.penalty_ramp)
    if n == 0 or len(history["loss"]) < rising + 2 * n:
        return False
    loss = abs(history["loss"][-n:].mean())
    changes = [abs(v[-n:].mean() - v[-2 * n : -n].mean()) for v in history.values()]
    return bool(max(changes) < SETTLED * loss)


@divisible
def gradient_steps(
    trained, adam, frozen, data, weights, rates, key, amount, pace, first, falls_from, rate_factor,
    objective, n_steps, average=None, sessions=None, counts=None, division: Division = ALONE,
):  # fmt: skip
    """`n_steps` gradient steps in one dispatch. Returns the new (trained, adam, average) and all
    terms.

    sessions, counts: of each step's mini-batch, and what its means divide by; None where every step
    sees all, and nothing is averaged.
    Everything but `objective`, `n_steps` and `division` may be traced, and mapped over.
    """
    seen = division.seen(data, sessions, counts)

    def loss(trained, step, step_key, sessions):
        own, share = seen(sessions)
        noise = NoiseSource(step_key, amount, share)
        model = eqx.combine(trained, frozen)
        return objective(model, own, pace.weights_at(step, weights), noise)

    def one(carry, now):
        trained, adam, average = carry
        step, step_key, rate, of_step = now
        gradient, terms = division.mean(
            jax.grad(loss, has_aux=True)(trained, step, step_key, of_step)
        )
        direction, adam = pace.adam.update(gradient, adam)
        trained = jax.tree.map(
            lambda p, d, relative: p - rate * relative * d, trained, direction, rates
        )
        if average is not None:
            average = averaged_weights(average, trained, decay_at(step))
        return (trained, adam, average), terms

    steps = first + jnp.arange(n_steps)
    keys = jax.vmap(partial(jax.random.fold_in, key))(steps)
    rates_at = rate_factor * pace.rate_at(steps, falls_from)
    return jax.lax.scan(one, (trained, adam, average), (steps, keys, rates_at, sessions))


def averaged_weights(average: PyTree, trained: PyTree, decay: Any = AVERAGING) -> PyTree:
    """The exponential average one step later."""
    return jax.tree.map(lambda a, p: decay * a + (1 - decay) * p, average, trained)


def decay_at(step: Any) -> Any:
    """Decay of the average at a step: less over the first ones, so that the start is soon gone."""
    return jnp.minimum(AVERAGING, (1.0 + step) / (10.0 + step))


_compiled_steps = eqx.filter_jit(gradient_steps)


def _arguments(state, frozen, data, weights, rates, key, noisy, objective, stage, batches):
    """What `gradient_steps` takes, for the next dispatch."""
    n_steps = min(STEPS_PER_DISPATCH, state.n_steps(stage) - state.step)
    of_batches = ()
    if batches is not None:
        sessions = jnp.asarray(batches.of_steps(state.step, n_steps))
        of_batches = (state.average, sessions, jax.tree.map(jnp.asarray, batches.counts))
    return (
        state.trained, state.adam, frozen, data, weights, jax.tree.map(np.float32, rates), key,
        np.float32(noisy), Pace.of(stage), np.int32(state.step), np.int32(state.falls_from),
        np.float32(state.rate_factor), objective, n_steps, *of_batches,
    )  # fmt: skip


def _split(model: PyTree, rates: PyTree) -> tuple[PyTree, PyTree]:
    """What is trained, and what is frozen."""
    trained = jax.tree.map(lambda rate: rate is not None, rates, is_leaf=lambda rate: rate is None)
    return eqx.partition(model, trained)


@eqx.filter_jit
def _adam_before(trained: PyTree, pace: Pace) -> optax.OptState:
    return pace.adam.init(trained)


def _strongly_typed(tree: PyTree) -> PyTree:
    """Arrays made from Python numbers are weakly typed and would be compiled for separately."""
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x)) if _is_weak(x) else x, tree)


def _is_weak(x: Any) -> bool:
    return getattr(x, "weak_type", not isinstance(x, np.ndarray))


def _finite(tree: PyTree) -> bool:
    return all(np.isfinite(np.asarray(leaf)).all() for leaf in jax.tree.leaves(tree))


def _extended(history: dict, terms: dict) -> dict[str, np.ndarray]:
    if not history:
        return dict(terms)
    return {name: np.concatenate([history[name], terms[name]]) for name in history}


def _roll_back(state: TrainingState, terms: dict, stage: StageConfig) -> TrainingState:
    """The last good state with a third of the learning rate, or DivergedError."""
    if state.retries < MAX_RETRIES:
        return state._replace(rate_factor=state.rate_factor / 3, retries=state.retries + 1)
    bad = ~np.isfinite(terms["loss"])
    step = int(state.step + (np.argmax(bad) if bad.any() else len(bad)))
    bad_terms = [name for name, v in terms.items() if name != "loss" and not np.isfinite(v).all()]
    raise DivergedError(
        f"Training diverged at step {step} of {stage.steps} in "
        f"{', '.join(bad_terms) or 'the weights'}, also at {MAX_RETRIES} lower learning rates "
        f"(down to {stage.learning_rate * state.rate_factor:.1e}). Try a lower learning_rate, "
        "a longer warm_up, weaker penalties or fewer layers."
    )
