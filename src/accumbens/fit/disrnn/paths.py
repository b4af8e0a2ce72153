"""Paths of a selection: one disRNN each, warmed up without noise, then under rising penalties.

All paths of a data set have one shape (what a fold holds out is masked), so one compiled step
trains them all, on all cores. At equal distances a checkpoint is kept: the average of the latest
weights, scored without noise.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, PyTree

from ...models.disrnn import DisRNN, Penalties
from ...models.disrnn.bottleneck import Bottleneck
from ...models.disrnn.openness import CLOSED_ABOVE
from ...noise import NoiseSource
from ...trials import Batch
from ...unrolling import choice_log_likelihood
from ..gradient.batches import MiniBatches
from ..gradient.division import ALONE, Division
from ..gradient.processes import divisible
from ..gradient.stage import Pace
from ..gradient.training import averaged_weights
from .config import DisRNNStageConfig
from .preparation import choice_parts, learning_rates
from .shrinkage import SoftChoices, soft_choice_objective

STEPS_PER_CHECKPOINT = 50
WARM_UP = 150
"""Steps without noise and penalties, at a learning rate of WARM_UP_RATE."""
WARM_UP_RATE = 2e-3
STAGE = DisRNNStageConfig(learning_rate=1e-2, bottleneck_rate=2.0)
MIN_MULTIPLE, MAX_MULTIPLE = 0.5, 15.0
"""Multiples of the penalties at the beginning and the end of a path, with 5,000 trials."""
COPYING_FROM = 0.02
"""Multiple at the beginning where all targets are from the best cognitive model: they hold no
noise, so penalties need not protect from it, and would close what that model has."""
UNIT_TRIALS, GROWTH, MIN_STRENGTH = 5000, 0.7, 0.3
"""See `strength`."""
L2, SUBJECT = 10.0, 0.1
"""Multiples of the L2 penalty and of those of what describes a subject. They do not rise along a
path: animals differ by less than rising penalties would let through, and what describes them is a
few numbers, not one for each trial."""
HELD = {"l2": L2, "update_subject": SUBJECT, "choice_subject": SUBJECT}
"""Multiples of the penalties that do not rise along a path."""
RELAXED = 0.01
"""Share of the penalties that is left at the end of relaxing."""


def penalties_at(penalties: Penalties, factor: float) -> Penalties:
    """The penalties where a path has multiplied by `factor` those that rise."""
    scaled = {name: float(w) * HELD.get(name, factor) for name, w in penalties.weights().items()}
    return Penalties(**scaled)


def strength(share: float, n_trials: int) -> float:
    """Penalties of a whole path, relative to those with 5,000 trials.

        max(5000 / n, 0.3) ^ (0.7 (1 - share))

    Fewer trials need stronger penalties, unless the targets are free of the noise of choices.
    """
    of_size = max(UNIT_TRIALS / max(n_trials, 1), MIN_STRENGTH)
    return of_size ** (GROWTH * (1 - share))


def least(share: float) -> float:
    """Multiple of the penalties at the beginning of a path."""
    return COPYING_FROM if share == 1 else MIN_MULTIPLE


class Schedule(NamedTuple):
    """What changes from step to step: number, learning rate, factor of the penalties that rise,
    noise, and multiple of the L2 penalty."""

    step: Int[Array, " step"]
    rate: Float[Array, " step"]
    factor: Float[Array, " step"]
    noise: Float[Array, " step"]
    l2: Float[Array, " step"]


def rising(
    steps: Int[np.ndarray, " step"], n_steps: int, scale: float, from_multiple: float
) -> Schedule:
    """The path of `n_steps`: a warm-up, then penalties that rise geometrically.

    from_multiple: of the default penalties, where they begin. scale: multiplies all of them.
    """
    warm = steps < WARM_UP
    way = np.clip((steps - WARM_UP) / (n_steps - WARM_UP), 0, 1)
    rise = np.where(warm, (steps + 1) / 20, (steps - WARM_UP + 1) / 50)
    rate = np.where(warm, WARM_UP_RATE, STAGE.learning_rate) * np.minimum(rise, 1)
    factor = scale * from_multiple * (MAX_MULTIPLE / from_multiple) ** way
    return _schedule(steps, rate, factor, ~warm, np.full(len(steps), L2))


def relaxing(steps: Int[np.ndarray, " step"], n_steps: int, factor: float, first: int) -> Schedule:
    """`n_steps` over which penalties and learning rate fall. first: number of the first step."""
    way, rate = _falling(steps, n_steps)
    n = len(steps)
    return _schedule(first + steps, rate, factor * RELAXED**way, np.ones(n), np.full(n, L2))


def copying(
    steps: Int[np.ndarray, " step"], n_steps: int, factor: float, first: int, *, again: bool
) -> Schedule:
    """`n_steps` in which noise, penalties, L2 and learning rate fall, for targets without noise.

    Noise and L2 protect from what is not there then, and only blur. again: they have fallen before.
    """
    way, rate = _falling(steps, n_steps)
    fallen = np.ones(len(steps)) if again else way
    noise = np.clip(1 - 2 * fallen, 0, 1)
    return _schedule(first + steps, rate, factor * RELAXED**fallen, noise, L2 * RELAXED**fallen)


def _falling(steps, n_steps: int) -> tuple[np.ndarray, np.ndarray]:
    """How much of the way lies behind each step, and its learning rate."""
    way = (steps + 1) / n_steps
    return way, STAGE.learning_rate * np.minimum(1, (steps + 1) / 20) * (1 - 0.9 * way)


def _schedule(steps, rate, factor, noise, l2) -> Schedule:
    numbers = (jnp.asarray(np.asarray(x, np.float32)) for x in (rate, factor, noise, l2))
    return Schedule(jnp.asarray(np.asarray(steps, np.int32)), *numbers)


@dataclasses.dataclass
class Path:
    """One model on its way.

    data: what it is fitted to. rates: learning rate of each array relative to the others, 0 where
    it is held. key: of its noise. average: exponential average of what is trained. batches: of its
    steps, None where each sees all sessions.
    """

    data: SoftChoices
    key: PRNGKeyArray
    trained: PyTree
    frozen: PyTree
    rates: PyTree
    adam: optax.OptState
    average: PyTree
    batches: MiniBatches | None = None

    @classmethod
    def beginning(
        cls, model: DisRNN, data: SoftChoices, key: PRNGKeyArray,
        batches: MiniBatches | None = None,
    ) -> Path:  # fmt: skip
        """A path of this untrained model."""
        rates = learning_rates(model, choice_parts, STAGE)
        trained, frozen = eqx.partition(model, _is_there(rates))
        trained = _arrays(trained)
        rates = jax.tree.map(lambda rate, x: jnp.full(x.shape, rate, x.dtype), rates, trained)
        return cls(data, key, trained, frozen, rates, _adam(trained), trained, batches)

    @property
    def model(self) -> DisRNN:
        """The averaged model."""
        return eqx.combine(self.average, self.frozen)

    def advance(
        self, schedule: Schedule, penalties: Penalties, steps: Callable[..., Any] | None = None
    ) -> None:
        """Gradient steps along a schedule. steps: what takes them, as `path_steps` does."""
        take: Callable[..., Any] = steps or steps_alone
        of_batches = ()
        if self.batches is not None:
            sessions = self.batches.of_steps(int(schedule.step[0]), len(schedule.step))
            of_batches = (jnp.asarray(sessions), jax.tree.map(jnp.asarray, self.batches.counts))
        self.trained, self.adam, self.average = take(
            self.trained, self.adam, self.average, self.frozen, self.data, self.rates, self.key,
            _weights(penalties), Pace.of(STAGE), schedule, *of_batches,
        )  # fmt: skip

    def with_latents(self, n: int) -> Path:
        """The path from here on, with all latents but the first `n` out of reach."""
        gone = np.arange(np.shape(self.model.core.bottleneck.sigma)[-1]) >= n
        return self._without(_closed(self.model, gone), self.average)

    def closed_for_good(self, average: PyTree) -> Path:
        """The path from these weights on, with what is closed in them out of reach."""
        model = eqx.combine(average, self.frozen)
        gone = np.asarray(model.core.bottleneck.sigma) > CLOSED_ABOVE
        return self._without(_closed(model, gone), average)

    def _without(self, closed: PyTree, average: PyTree) -> Path:
        closed = eqx.filter(closed, _is_there(self.trained))
        # A multiplier of 0 and a log sigma of 0: nothing but noise.
        trained = jax.tree.map(lambda x, shut: jnp.where(shut, 0.0, x), average, closed)
        rates = jax.tree.map(lambda r, shut: jnp.where(shut, 0.0, r), self.rates, closed)
        return dataclasses.replace(
            self, trained=trained, rates=rates, adam=_adam(trained), average=trained
        )


def score(
    model: DisRNN, batch: Batch, counted: Bool[Array, "part session trial"]
) -> Float[np.ndarray, "part session"]:
    """Log likelihood (nats) of each session's scored trials in each part, without noise."""
    trained, frozen = eqx.partition(model, eqx.is_array)
    return np.asarray(_score(trained, frozen, batch, counted))


def expected_score(
    model: DisRNN, data: SoftChoices, counted: Bool[Array, "session trial"]
) -> Float[np.ndarray, " session"]:
    """What the log likelihood (nats) of each session's scored trials that count would be on average
    if its choices were drawn from `data.target`, without noise."""
    trained, frozen = eqx.partition(model, eqx.is_array)
    return np.asarray(_expected_score(trained, frozen, data, counted))


@eqx.filter_jit
def _expected_score(trained, frozen, data: SoftChoices, counted) -> Float[Array, " session"]:
    model = eqx.combine(trained, frozen)
    observed = model.observed(data.batch)
    before = model.core.along(observed, None).before
    log_p = jax.nn.log_softmax(model.choices_along(before, observed, None))
    expected = (data.target * log_p).sum(-1)
    return jnp.where(counted & data.batch.scored, expected, 0.0).sum(-1)


@eqx.filter_jit
def _score(trained, frozen, batch: Batch, counted) -> Float[Array, "part session"]:
    model = eqx.combine(trained, frozen)
    observed = model.observed(batch)
    before = model.core.along(observed, None).before
    log_p = choice_log_likelihood(model.choices_along(before, observed, None), batch)
    return jnp.where(counted, log_p, 0.0).sum(-1)


@divisible
def path_steps(
    trained, adam, average, frozen, data, rates, key, weights, pace: Pace, schedule: Schedule,
    sessions=None, counts=None, division: Division = ALONE,
):  # fmt: skip
    """Gradient steps to the next checkpoint; what changes along the path is an array of them."""
    seen = division.seen(data, sessions, counts)

    def loss(trained, now: Schedule, sessions):
        multiples = HELD | {"l2": now.l2}
        scaled = {kind: w * multiples.get(kind, now.factor) for kind, w in weights.items()}
        own, share = seen(sessions)
        noise = NoiseSource(jax.random.fold_in(key, now.step), now.noise, share)
        return soft_choice_objective(eqx.combine(trained, frozen), own, scaled, noise)[0]

    def one(carry, at):
        (trained, adam, average), (now, of_step) = carry, at
        gradient = division.mean(jax.grad(loss)(trained, now, of_step))
        direction, adam = pace.adam.update(gradient, adam)
        trained = jax.tree.map(lambda p, d, r: p - now.rate * r * d, trained, direction, rates)
        return (trained, adam, averaged_weights(average, trained)), None

    return jax.lax.scan(one, (trained, adam, average), (schedule, sessions))[0]


steps_alone = eqx.filter_jit(path_steps)


@eqx.filter_jit
def _adam_before(trained: PyTree, pace: Pace) -> optax.OptState:
    return pace.adam.init(trained)


def _adam(trained: PyTree) -> optax.OptState:
    return _arrays(_adam_before(trained, Pace.of(STAGE)))


def _weights(penalties: Penalties) -> dict[str, Array]:
    return {kind: jnp.float32(weight) for kind, weight in penalties.weights().items()}


def _closed(model: DisRNN, gone: Bool[np.ndarray, " latent"]) -> PyTree:
    """A pytree like `model`, True at the noise and multipliers of closed bottlenecks and of those
    of the latents that are gone."""

    def shut(bottleneck: Bottleneck, and_also: np.ndarray | bool = False) -> Bottleneck:
        sigma, gain = np.asarray(bottleneck.sigma), np.asarray(bottleneck.gain)
        share = sigma if bottleneck.multiplier is None else sigma / np.hypot(sigma, gain)
        closed = jnp.asarray((np.maximum(sigma, share) > CLOSED_ABOVE) | and_also)
        return jax.tree.map(lambda _: closed, bottleneck)

    def parts(m: DisRNN) -> list[Bottleneck]:
        readers = (m.core.reader, m.choice_network.reader)
        return [m.core.bottleneck, *(b for reader in readers for b in reader.bottlenecks)]

    nothing = jax.tree.map(lambda x: jnp.zeros(jnp.shape(x), bool), model)
    readers = (model.core.reader, model.choice_network.reader)
    closed = [shut(model.core.bottleneck, gone)]
    for reader in readers:
        closed += [
            shut(reader.latent, gone[None, :]),
            shut(reader.observation),
            shut(reader.subject),
        ]
    return eqx.tree_at(parts, nothing, closed)


def _is_there(tree: PyTree) -> PyTree:
    """A pytree like this one, False where it holds None."""
    return jax.tree.map(lambda x: x is not None, tree, is_leaf=lambda x: x is None)


def _arrays(tree: PyTree) -> PyTree:
    """Without weak types, which would compile anew."""
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x)), tree)
