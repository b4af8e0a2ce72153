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


def inputs(trials: Trials) -> tuple[np.ndarray, np.ndarray]:
    """The package's form: the trial before, [trial, session, choice and outcomes]; the choice,
    [trial, session, 1]."""
    choice = trials.choice.T[..., None].astype(float)
    seen = np.concatenate([choice, trials.outcome.transpose(1, 0, 2)], axis=-1)
    return np.concatenate([np.zeros_like(seen[:1]), seen[:-1]]), choice.astype(int)


def timed_dataset(trials: Trials, times: list[float]) -> Any:
    """A data set of the package that notes in `times` when its training loop asks for a batch."""
    from disentangled_rnns.library import rnn_utils

    class Timed(rnn_utils.DatasetRNNCategorical):
        def __next__(self):
            times.append(time.perf_counter())
            return super().__next__()

    return Timed(*inputs(trials), batch_mode="rolling", batch_size=trials.n_sessions)
