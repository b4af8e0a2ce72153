"""A small run whose models tell subjects apart, tables for it, and what predictions left behind."""

import dataclasses
import json

import jax
import numpy as np

from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.fit.gru.config import GRUConfig
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.run.fit.config import FitConfig
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

SHORT = DisRNNStageConfig(steps=10, learning_rate=2e-3, decay=0.0)
CONFIG = FitConfig(
    table=TableFormat(signal=("dopamine",), context=("reward_probability_0",)),
    recipe=RecipeConfig(
        disrnn=DisRNNConfig(
            latents=2, update_layers=1, update_units=4, choice_layers=1, subject_embedding=2
        ),
        warm_up=SHORT, choice_stage=SHORT, signal_stage=SHORT,
    ),
    gru=GRUConfig(
        subject_embedding=1, l2=1e-3, stage=dataclasses.replace(GRUConfig().stage, steps=10)
    ),
    models=("disrnn", "gru", "q_learning", "dfq_signal", "naive"),
    seeds=1, resamples=50, seed=4, animals="pooled",
)  # fmt: skip


def simulated(subjects, n_sessions, seed):
    """A table; subjects stand in an order of their own, which is not that of their names."""
    trials = simulate(
        QLearning(0.3, 3.0, gain=2.0, offset=1.0), DriftingBandit(), n_trials=40,
        n_sessions=n_sessions * len(subjects), key=jax.random.key(seed),
    )  # fmt: skip
    of_session = np.repeat(np.arange(len(subjects), dtype=np.int32), n_sessions)
    names = dataclasses.replace(
        trials.names, subjects=subjects,
        sessions=tuple(str(i % n_sessions + 1) for i in range(trials.n_sessions)),
    )  # fmt: skip
    return to_table(dataclasses.replace(trials, subject=of_session, names=names))


def scores(metrics):
    """Scores by model, of a run or of predictions."""
    return {
        name: {key: model[key] for key in ("choice", "signal", "subjects")}
        for name, model in metrics["models"].items()
    }


def metrics_of(path):
    return json.loads((path / "metrics.json").read_text())
