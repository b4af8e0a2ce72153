"""What the comparisons with the published `disentangled_rnns` package share."""

from __future__ import annotations

import importlib.util
import time
from typing import Any

import numpy as np

from accumbens.trials import Trials


def installed() -> bool:
    """Whether the package can be imported here; says so if not."""
    there = importlib.util.find_spec("disentangled_rnns") is not None
    if not there:
        print("disentangled_rnns is not installed: measuring accumbens alone.")
    return there


def inputs(trials: Trials) -> np.ndarray:
    """What the package's networks see: the trial before, [trial, session, choice and outcomes]."""
    choice = choices(trials).astype(float)
    return _one_later(np.concatenate([choice, trials.outcome.transpose(1, 0, 2)], axis=-1))


def choices(trials: Trials) -> np.ndarray:
    """What they predict: the choice, [trial, session, 1]."""
    return trials.choice.T[..., None].astype(int)


def timed_dataset(trials: Trials, times: list[float], *, dopamine: bool = False) -> Any:
    """A data set of the package that notes in `times` when its training loop asks for a batch.

    dopamine: predict the signals of the trial before as well.
    """
    from disentangled_rnns.library import rnn_utils

    kind = rnn_utils.DatasetRNNMixed if dopamine else rnn_utils.DatasetRNNCategorical
    targets = choices(trials)
    if dopamine:
        before = _one_later(trials.signal.transpose(1, 0, 2))
        targets = np.concatenate([targets.astype(float), before], axis=-1)

    class Timed(kind):
        def __next__(self):
            times.append(time.perf_counter())
            return super().__next__()

    return Timed(inputs(trials), targets, batch_mode="rolling", batch_size=trials.n_sessions)


def _one_later(x: np.ndarray) -> np.ndarray:
    return np.concatenate([np.zeros_like(x[:1]), x[:-1]])
