"""One table of all models: each of the catalogue, and further cases, meet every generic test."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from accumbens.models.base import Model
from accumbens.models.bias import BiasOnly
from accumbens.models.catalogue import ModelEntry, cognitive
from accumbens.models.dfq import DFQ
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.distilled import Distilled, Terms
from accumbens.models.gru import GRU
from accumbens.models.history import HistoryRegression
from accumbens.models.naive import Naive
from accumbens.models.parts.composed import with_parts
from accumbens.models.q_learning import QLearning
from accumbens.models.signal_units import SignalUnits
from accumbens.tasks.bandits import DriftingBandit
from accumbens.tasks.base import Task
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, Trials, trials_from_arrays

from . import oracles

ONE_SIGNAL = {"gain": 0.7, "offset": -0.2}
TWO_SIGNALS = {"gain": [0.7, -2.0], "offset": [-0.2, 0.1]}


def example_trials(n_choices: int, n_signals: int, seed: int = 0, n_outcomes: int = 1) -> Trials:
    """Ragged sessions of two subjects with missed and instructed trials and graded rewards."""
    rng = np.random.default_rng(seed)
    shape = (4, 30)
    choice = rng.integers(0, n_choices, shape)
    choice[rng.random(shape) < 0.1] = -1
    reward = rng.integers(0, 2, (*shape, n_outcomes)).astype(float)
    reward[2] = rng.random((30, n_outcomes))
    reward[choice == -1] = np.nan
    signal = rng.normal(size=(*shape, n_signals))
    signal[rng.random(shape) < 0.1] = np.nan
    return trials_from_arrays(
        choice,
        reward,
        signal=signal,
        instructed=rng.random(shape) < 0.2,
        length=np.array([30, 12, 25, 30]),
        subject=np.array([0, 1, 0, 1]),
        names=TrialNames(
            choices=tuple(range(n_choices)),
            outcomes=("reward",) if n_outcomes == 1 else ("controllable", "distractor"),
            signals=tuple(f"signal_{i}" for i in range(n_signals)),
            subjects=("a", "b"),
        ),
    )


class Case(NamedTuple):
    """A model, and for a cognitive model its plain-Python twin (choices, rewards) -> p, errors.

    With several outcomes, the twin gets all of their columns. untrained: fields without a gradient.
    """

    model: Model
    oracle: Callable[..., Any] | None = None
    n_outcomes: int = 1
    untrained: tuple[str, ...] = ()

    @property
    def remembers(self) -> bool:
        """Whether anything of past trials is kept."""
        return bool(jax.tree.leaves(self.model.initial_state(jnp.array(0))))

    def example(self, seed: int = 0) -> Trials:
        return example_trials(self.model.n_choices, self.model.n_signals, seed, self.n_outcomes)

    def plain(self, choices, outcome):
        """The twin's answer to one session."""
        assert self.oracle is not None, f"{type(self.model).__name__} has no twin in oracles.py"
        return self.oracle(choices, outcome if self.n_outcomes > 1 else outcome[:, 0])

    @property
    def task(self) -> Task:
        return (
            DistractorRewards()
            if self.n_outcomes == 2
            else DriftingBandit(n_arms=self.model.n_choices)
        )


def from_catalogue(entry: ModelEntry, signals: dict[str, Any]) -> Case:
    """The entry's example and its plain twin, which has the entry's name in `oracles`."""
    twin = getattr(oracles, entry.name, None)
    return Case(
        entry.model_class(**entry.example, **signals),
        twin and functools.partial(twin, **entry.example),
        entry.n_outcomes,
    )


def more(name: str, **values: float) -> Case:
    """The entry's example with other values of some parameters."""
    entry = cognitive()[name]
    values = {**entry.example, **values}
    twin = functools.partial(getattr(oracles, name), **values)
    return Case(entry.model_class(**values, **ONE_SIGNAL), twin, entry.n_outcomes)


def three_arms(name: str, **parts: Any) -> Case:
    """The entry's example with three choices, and parts beside it."""
    entry = cognitive()[name]
    model = entry.model_class(**entry.example, n_choices=3)
    twin = functools.partial(getattr(oracles, name), **entry.example, n=3)
    if not parts:
        return Case(model, twin)
    return Case(with_parts(model, **parts), functools.partial(oracles.with_parts, twin, **parts))


DFQ_VALUES = {"learning_rate": 0.4, "forgetting_rate": 0.2, "reward_strength": 2.5,
              "no_reward_strength": 0.6}  # fmt: skip

COGNITIVE: dict[str, Case] = {
    name: from_catalogue(entry, TWO_SIGNALS if i % 2 else ONE_SIGNAL)
    for i, (name, entry) in enumerate(cognitive().items())
} | {
    "q_learning_three_arms": Case(
        QLearning(0.6, 2.0, 0.1, n_choices=3),
        functools.partial(oracles.q_learning, learning_rate=0.6, inverse_temperature=2.0,
                          initial_value=0.1, n=3),
    ),
    "q_learning_two_rates_forgetting": Case(
        QLearning(0.6, 2.0, 0.2, 0.3, 0.15, **ONE_SIGNAL),
        functools.partial(oracles.q_learning, learning_rate=0.6, inverse_temperature=2.0,
                          initial_value=0.2, negative_learning_rate=0.3, forgetting_rate=0.15),
    ),
    "dfq_with_parts": Case(
        with_parts(DFQ(**DFQ_VALUES, **TWO_SIGNALS), side_bias=0.3, perseveration=0.8,
                   perseveration_rate=0.3),
        functools.partial(oracles.with_parts, functools.partial(oracles.dfq, **DFQ_VALUES),
                          side_bias=(0.3,), perseveration=0.8, perseveration_rate=0.3),
    ),
    "belief_with_parts_three_arms": three_arms(
        "belief", side_bias=(0.3, -0.5), perseveration=-0.7
    ),
    "belief_three_arms": three_arms("belief"),
    "rflr_three_arms": three_arms("rflr"),
    "reward_habit_three_arms": three_arms("reward_habit"),
    "reward_habit_and_fallacy": more("reward_habit", fallacy_rate=0.1, fallacy_weight=-0.8),
    "pearce_hall_three_arms": three_arms("pearce_hall"),
    "pearce_hall_forgetting": more("pearce_hall", initial_value=0.3, forgetting_rate=0.1),
    "meta_learning_three_arms": three_arms("meta_learning"),
    "meta_learning_at_its_limits": more(
        "meta_learning", negative_learning_rate=0.02, surprise_rate=0.9, uncertainty_rate=0.6
    ),
    "bias_three_arms": Case(
        BiasOnly([0.4, -1.0], n_choices=3), functools.partial(oracles.bias, bias=[0.4, -1.0])
    ),
}  # fmt: skip
"""Every cognitive model of the catalogue as its example, and cases that examples leave out."""

SIGNED = [-1.0, 1.0]
DISTILLED = Distilled(
    # x <- x - 0.3 x + 0.1 c + 0.4 c reward - 0.1 y^2
    # y <- y - 0.4 y + 0.5 reward (after choice 1) - 0.1 x y
    Terms(
        jnp.array([[1, 0], [0, 0], [0, 0], [0, 2], [0, 1], [0, 0], [1, 1]]),
        jnp.array([[1.0, 1.0], SIGNED, SIGNED, [1.0, 1.0], [1.0, 1.0], [0.0, 1.0], [1.0, 1.0]]),
        jnp.array([[0], [0], [1], [0], [0], [1], [0]]),
        jnp.array([[-0.3, 0.1, 0.4, -0.1, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, -0.4, 0.5, -0.1]]),
    ),
    Terms(
        jnp.array([[0, 0], [1, 0], [0, 1]]), jnp.ones((3, 2)), jnp.zeros((3, 1), int),
        jnp.array([[0.0, 0.0, 0.0], [0.2, 1.5, -0.7]]),
    ),
    Terms(
        jnp.array([[0, 0], [1, 0]]), jnp.array([[1.0, 1.0], SIGNED]), jnp.array([[1], [0]]),
        jnp.array([[0.8, -0.6]]),
    ),
    jnp.array([0.1, -0.2]), jnp.array([-9.0, -9.0]), jnp.array([9.0, 9.0]),
    ("x", "y"), ("reward",), ("dopamine",),
)  # fmt: skip

MODELS: dict[str, Case] = COGNITIVE | {
    "distilled": Case(DISTILLED, untrained=("lowest", "highest")),
    "disrnn": Case(
        DisRNN.initial(
            DisRNNConfig(latents=3), signal_names=("dopamine",), key=jax.random.key(3)
        )
    ),
    "disrnn_with_subjects": Case(
        DisRNN.initial(
            DisRNNConfig(latents=3, subject_embedding=2), n_choices=3, n_subjects=2,
            signal_names=("dopamine", "acetylcholine"), key=jax.random.key(4),
            signal_units=SignalUnits(jnp.array([1.0, -1.0]), jnp.array([2.0, 0.5])),
        )
    ),
    "gru": Case(GRU(2, 1, 1, 5, 2, key=jax.random.key(1))),
    "gru_with_subjects": Case(
        GRU(
            3, 1, 2, 4, 2, 3,
            signal_mean=jnp.array([1.0, -1.0]), signal_scale=jnp.array([2.0, 0.5]),
            key=jax.random.key(2),
        )
    ),
    "history": Case(
        HistoryRegression(jnp.array([0.2]), jnp.array([[[-0.4, -0.2, 0.1], [0.9, 0.5, 0.3]]]))
    ),
    "history_of_two_outcomes_and_subjects": Case(
        HistoryRegression(
            jnp.array([0.2, -0.1]), jax.random.normal(jax.random.key(5), (2, 4, 2))
        ),
        n_outcomes=2,
    ),
    "naive": Case(
        Naive.from_trials(example_trials(2, 1)), untrained=("patterns", "mean_signal")
    ),
}  # fmt: skip
