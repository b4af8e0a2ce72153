"""Gradient training in stages: Adam with real gradient clipping, many steps per dispatch.

A stage that leaves the finite numbers is rolled back to its last good step and goes on at a lower
learning rate. Keys are made from the stage's key and the step number, so that a resumed stage gives
the same numbers as one that was never interrupted.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray, PyTree

from ..errors import ConfigError, DivergedError
from .objectives import Objective

STEPS_PER_DISPATCH = 50
MAX_RETRIES = 4
SETTLED = 5e-4
"""Means of a term over two spans of steps are equal if they differ by less than this share of the
loss."""


@dataclasses.dataclass(frozen=True)
class StageConfig:
    """How long and how fast one stage of training goes."""

    steps: int = 1000
    """Gradient steps."""
    learning_rate: float = 5e-3
    """Adam's peak learning rate of the networks' weights."""
    bottleneck_rate: float = 2.0
    """The bottlenecks' learning rate, as a multiple of the weights'."""
    warm_up: int = 50
    """Steps over which the learning rate rises linearly."""
    decay: float = 0.5
    """Last fraction of the steps, over which the learning rate falls to 2 % along a cosine."""
    settle: int = 0
    """The learning rate falls early once no term of the loss changes any more from one span of this
    many steps to the next; 0: never."""
    penalty_ramp: int = 0
    """Steps over which the penalties rise linearly from 0; 0: all of them from the first step."""
    clip: float = 1.0
    """Gradients of larger global norm are scaled down to this norm."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("steps", 0, 10_000_000),
            ("learning_rate", 1e-8, 1.0),
            ("bottleneck_rate", 0.0, 1000.0),
            ("warm_up", 0, 10_000_000),
            ("decay", 0.0, 1.0),
            ("settle", 0, 10_000_000),
            ("penalty_ramp", 0, 10_000_000),
            ("clip", 1e-8, 1e8),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value:g}; it must lie between {low:g} and {high:g}.")

    @property
    def decay_steps(self) -> int:
        """Steps over which the learning rate falls."""
        return round(self.decay * self.steps)


class TrainingState(NamedTuple):
    """All that a stage needs to go on: what is trained, Adam's memory, step, the step from which
    the learning rate falls, rate, retries."""

    trained: PyTree
    adam: optax.OptState
    step: int
    falls_from: int
    rate_factor: float
    retries: int

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
    prices: PyTree,
    stage: StageConfig,
    *,
    noisy: bool,
    trainable: PyTree,
    key: PRNGKeyArray,
    start: tuple[TrainingState, dict[str, np.ndarray]] | None = None,
    on_dispatch: Callable[[TrainingState, dict[str, np.ndarray]], bool | None] | None = None,
) -> Trained:
    """One stage: minimise `objective(model, data, prices, key)` over the `trainable` leaves.

    trainable: a pytree of booleans like `model`. noisy: False passes no key to the objective.
    start: where to go on, from an earlier `on_dispatch`.
    on_dispatch: called with the state and the history so far after every few dozen steps (for
        progress, checkpoints and interruption); the
        stage ends early if it returns True.
    Raises DivergedError, with the step and term, when lower learning rates do not help either.
    """
    model, prices = _strongly_typed(model), _strongly_typed(prices)
    trained, frozen = eqx.partition(model, trainable)
    rates = _relative_rates(trained, stage.bottleneck_rate)
    state, history = start or (initial_state(model, trainable, stage), {})
    while state.step < state.n_steps(stage):
        n_steps = min(STEPS_PER_DISPATCH, state.n_steps(stage) - state.step)
        (trained, adam), terms = _steps(
            state.trained, state.adam, frozen, rates, data, prices, key,
            jnp.asarray(state.step), jnp.asarray(state.falls_from), jnp.asarray(state.rate_factor),
            objective, stage, n_steps, noisy,
        )  # fmt: skip
        trained, adam = _strongly_typed((trained, adam))
        terms = jax.tree.map(np.asarray, terms)
        if _finite(trained) and np.isfinite(terms["loss"]).all():
            state = state._replace(trained=trained, adam=adam, step=state.step + n_steps)
            history = _extended(history, terms)
            if state.step < state.falls_from and settled(history, stage):
                state = state._replace(falls_from=state.step)
        else:
            state = _roll_back(state, terms, stage)
        if on_dispatch is not None and on_dispatch(state, history):
            break
    return Trained(eqx.combine(state.trained, frozen), history)


def initial_state(model: PyTree, trainable: PyTree, stage: StageConfig) -> TrainingState:
    """The state before a stage's first step."""
    trained = eqx.filter(_strongly_typed(model), trainable)
    adam = _strongly_typed(_adam(stage).init(trained))
    return TrainingState(trained, adam, 0, stage.steps - stage.decay_steps, 1.0, 0)


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


def learning_rate(step: Array, falls_from: Array, stage: StageConfig) -> Float[Array, ""]:
    """Linear warm-up, plateau until `falls_from`, cosine decay to 2 % of the peak."""
    rise = jnp.minimum(1.0, (step + 1) / max(stage.warm_up, 1))
    progress = jnp.clip((step - falls_from) / max(stage.decay_steps, 1), 0.0, 1.0)
    fall = 0.02 + 0.98 * 0.5 * (1.0 + jnp.cos(jnp.pi * progress))
    return stage.learning_rate * rise * fall


@partial(eqx.filter_jit)
def _steps(
    trained, adam, frozen, rates, data, prices, key, first, falls_from, rate_factor,
    objective, stage, n_steps, noisy,
):  # fmt: skip
    """`n_steps` gradient steps in one dispatch. Returns the new (trained, adam) and all terms."""

    def loss(trained, step):
        step_key = jax.random.fold_in(key, step) if noisy else None
        risen = jnp.minimum(1.0, (step + 1) / max(stage.penalty_ramp, 1))
        now = jax.tree.map(lambda price: risen * price, prices)
        return objective(eqx.combine(trained, frozen), data, now, step_key)

    def one(carry, step):
        trained, adam = carry
        (_, terms), gradient = jax.value_and_grad(loss, has_aux=True)(trained, step)
        direction, adam = _adam(stage).update(gradient, adam)
        rate = rate_factor * learning_rate(step, falls_from, stage)
        trained = jax.tree.map(
            lambda p, d, relative: p - rate * relative * d, trained, direction, rates
        )
        return (trained, adam), terms

    return jax.lax.scan(one, (trained, adam), first + jnp.arange(n_steps))


def _adam(stage: StageConfig) -> optax.GradientTransformation:
    return optax.chain(optax.clip_by_global_norm(stage.clip), optax.scale_by_adam())


def _relative_rates(trained: PyTree, bottleneck_rate: float) -> PyTree:
    """Learning rate of each leaf as a multiple of the weights': bottlenecks may move faster."""

    def rate(path, _leaf):
        name = str(path[-1])
        return bottleneck_rate if ("log_sigma" in name or "multiplier" in name) else 1.0

    return jax.tree_util.tree_map_with_path(rate, trained)


def _strongly_typed(tree: PyTree) -> PyTree:
    """Arrays made from Python numbers are weakly typed and would be compiled for separately."""
    return jax.tree.map(lambda x: jnp.asarray(x, x.dtype), tree)


def _finite(tree: PyTree) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in jax.tree.leaves(tree))


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
    guilty = [name for name, v in terms.items() if name != "loss" and not np.isfinite(v).all()]
    raise DivergedError(
        f"Training diverged at step {step} of {stage.steps} in {', '.join(guilty) or 'the weights'}"
        f", also at {MAX_RETRIES} lower learning rates (down to "
        f"{stage.learning_rate * state.rate_factor:.1e}). Try a lower learning_rate, a longer "
        "warm_up, weaker penalties or fewer layers."
    )
