"""One table of all models: a model added here meets every generic test."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from accumbens.models.actor_critic import ActorCritic
from accumbens.models.base import Model
from accumbens.models.bias import BiasOnly
from accumbens.models.dfq import DFQ
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.gru import GRU
from accumbens.models.history import HistoryRegression
from accumbens.models.q_learning import QLearning
from accumbens.models.structured import StructureMixture, StructureNaive, StructureSavvy
from accumbens.models.two_process import TwoProcess
from accumbens.tasks.bandits import DriftingBandit
from accumbens.tasks.base import Task
from accumbens.tasks.distractor import DistractorRewards
from accumbens.trials import TrialNames, Trials, trials_from_arrays

from . import oracles

ONE_SIGNAL = {"gain": 0.7, "offset": -0.2}
TWO_SIGNALS = {"gain": [0.7, -2.0], "offset": [-0.2, 0.1]}


class Case(NamedTuple):
    """A model, and for a cognitive model its plain-Python twin (choices, rewards) -> p, errors.

    With several outcomes, the twin gets all of their columns.
    """

    model: Model
    oracle: Callable[..., Any] | None = None
    remembers: bool = True
    n_outcomes: int = 1

    def example(self, seed: int = 0) -> Trials:
        return example_trials(self.model.n_choices, self.model.n_signals, seed, self.n_outcomes)

    def plain(self, choices, outcome):
        """The twin's answer to one session."""
        assert self.oracle is not None
        return self.oracle(choices, outcome if self.n_outcomes > 1 else outcome[:, 0])

    @property
    def task(self) -> Task:
        return (
            DistractorRewards()
            if self.n_outcomes == 2
            else DriftingBandit(n_arms=self.model.n_choices)
        )


MODELS: dict[str, Case] = {
    "q_learning": Case(
        QLearning(0.3, 3.0, **ONE_SIGNAL),
        functools.partial(oracles.q_learning, alpha=0.3, beta=3.0),
    ),
    "q_learning_three_arms": Case(
        QLearning(0.6, 2.0, 0.1, n_choices=3),
        functools.partial(oracles.q_learning, alpha=0.6, beta=2.0, start=0.1, n=3),
    ),
    "dfq": Case(
        DFQ(0.4, 0.2, 2.5, 0.6, **TWO_SIGNALS),
        functools.partial(oracles.dfq, alpha_1=0.4, alpha_2=0.2, kappa_1=2.5, kappa_2=0.6),
    ),
    "actor_critic": Case(
        ActorCritic(1.0, 0.05, 0.3, **ONE_SIGNAL),
        functools.partial(oracles.actor_critic, eta=1.0, phi=0.05, alpha=0.3),
    ),
    "bias_only": Case(
        BiasOnly(0.4, **ONE_SIGNAL),
        functools.partial(oracles.bias_only, bias=[0.4]),
        remembers=False,
    ),
    "bias_only_three_arms": Case(
        BiasOnly([0.4, -1.0], n_choices=3),
        functools.partial(oracles.bias_only, bias=[0.4, -1.0]),
        remembers=False,
    ),
    "disrnn": Case(
        DisRNN.initial(
            DisRNNConfig(latents=3), signal_names=("dopamine",), key=jax.random.key(3)
        )
    ),
    "disrnn_with_subjects": Case(
        DisRNN.initial(
            DisRNNConfig(latents=3, subject_embedding=2), n_choices=3, n_subjects=2,
            signal_names=("dopamine", "acetylcholine"), key=jax.random.key(4),
            signal_mean=jnp.array([1.0, -1.0]), signal_scale=jnp.array([2.0, 0.5]),
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
    "structure_naive": Case(
        StructureNaive(0.3, 3.0, **ONE_SIGNAL),
        functools.partial(oracles.credit_learner, alpha=0.3, beta=3.0, w=0.0),
        n_outcomes=2,
    ),
    "structure_savvy": Case(
        StructureSavvy(0.5, 2.0, **ONE_SIGNAL),
        functools.partial(oracles.credit_learner, alpha=0.5, beta=2.0, w=1.0),
        n_outcomes=2,
    ),
    "structure_mixture": Case(
        StructureMixture(0.3, 3.0, 0.6, **TWO_SIGNALS),
        functools.partial(oracles.credit_learner, alpha=0.3, beta=3.0, w=0.6),
        n_outcomes=2,
    ),
    "two_process": Case(
        TwoProcess(0.5, 1.5, 0.8, 0.1, -0.4, 0.1, 1.0, **ONE_SIGNAL),
        functools.partial(
            oracles.two_process, alpha=0.5, beta=1.5, u_c=0.8, u_d=0.1, u_0=-0.4, alpha_h=0.1,
            beta_h=1.0,
        ),
        n_outcomes=2,
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
}  # fmt: skip

COGNITIVE = {name: case for name, case in MODELS.items() if case.oracle is not None}


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
