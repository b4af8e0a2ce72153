"""Variables of cognitive models along trials, each with what the field calls it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, PRNGKeyArray

from ..errors import ConfigError, DataError
from ..fit.disrnn.guide_kinds import GUIDES
from ..fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from ..models.base import Model
from ..models.catalogue import cognitive, label_of
from ..threefry import key_of
from ..trials import TrialNames, Trials
from ..unrolling import unroll
from .config import AGENTS

WORDS = {
    "Q": "value", "theta": "policy weight", "belief": "belief", "R": "reward trace", "H": "habit",
    "G": "fallacy", "kernel": "habit", "evidence": "evidence", "associability": "associability",
}  # fmt: skip
"""What the variables of each choice are called."""
ALONE = {
    "V": "reward rate", "prediction_error": "last prediction error",
    "expected_uncertainty": "expected uncertainty",
    "negative_learning_rate": "learning rate after no reward",
}  # fmt: skip
"""What the variables of no choice are called."""


class Variable(NamedTuple):
    """A variable of a cognitive model, before each trial.

    Attributes:
        kind: what it is, whichever model has it: `value of left`.
        model: label of the model; `trials` for what needs no model.
        values: before each trial.
    """

    kind: str
    model: str
    values: Float[np.ndarray, "session trial"]


def fit_agents(
    trials: Trials, *, key: PRNGKeyArray, names: Sequence[str] = AGENTS, n_starts: int = 4
) -> dict[str, Model]:
    """Cognitive models of the catalogue, fitted to all trials together.

    Args:
        trials: to fit.
        key: of the starts.
        names: of models, as guides have them (`fit.disrnn.guide_kinds`); those that learn from more
            kinds of outcome than there are, or from other ones, are left out.
        n_starts: of each fit.

    Returns:
        Models by label.

    Raises:
        ConfigError: a name is not known.
    """
    unknown = next((name for name in names if name not in GUIDES), None)
    if unknown is not None:
        raise ConfigError(f"There is no model {unknown!r} here; there are {', '.join(GUIDES)}.")
    entries, found = cognitive(), {}
    choices = trials.select_signals(())
    for name in names:
        kind = GUIDES[name]
        entry = entries[kind.model]
        if entry.n_outcomes > len(trials.names.outcomes):
            continue
        try:
            fit = fit_maximum_likelihood(
                entry.model_class, choices, key=key_of(key, name), n_starts=n_starts,
                free=kind.free, fixed=dict(kind.fixed), intervals="curvature",
            )  # fmt: skip
        except DataError:  # made for other rewards than these
            continue
        found[label_of(entry.name)] = fit.model
    return found


def variables_of(model: Model, label: str, trials: Trials) -> list[Variable]:
    """The variables of a model before each trial: of each choice, the sum, and of two choices the
    difference (last less first); what arises with an outcome is that of the trial before.

    Args:
        model: a fitted cognitive model.
        label: what the model is called.
        trials: along which it is unrolled.
    """
    latents = {name: np.asarray(x, np.float64) for name, x in unroll(model, trials).latents.items()}
    choices = choice_words(trials.names)
    found: list[Variable] = []
    grouped: dict[str, list[np.ndarray]] = {}
    for name, values in latents.items():
        stem = re.fullmatch(r"(.+)_(\d+)", name)
        if stem is not None and stem[1] in WORDS:
            grouped.setdefault(stem[1], []).append(values)
            continue
        if name == "prediction_error":
            values = _of_the_trial_before(values)
        found.append(Variable(ALONE.get(name, name.replace("_", " ")), label, values))
    for stem, each in grouped.items():
        found += _of_choices(WORDS[stem], label, choices, each)
    return found


def _of_choices(
    word: str, label: str, choices: Sequence[str], each: list[np.ndarray]
) -> list[Variable]:  # fmt: skip
    """A variable of each choice; of two choices whose variables say the same, one."""
    if len(each) == 2 and word == "habit":
        return [Variable("habit", label, each[1] - each[0])]
    if len(each) == 2 and word == "belief":
        ratio = np.log(np.maximum(each[1], 1e-9) / np.maximum(each[0], 1e-9))
        return [
            Variable(f"belief of {choices[1]}", label, each[1]),
            Variable("log-odds of belief", label, ratio),
        ]
    found = [
        Variable(f"{word} of {choice}", label, x) for choice, x in zip(choices, each, strict=True)
    ]
    if len(each) == 2:
        found.append(
            Variable(f"{word} of {choices[1]} less {choices[0]}", label, each[1] - each[0])
        )
    found.append(Variable(f"sum of {word}s", label, np.sum(each, axis=0)))
    return found


TIMES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Time constants of traces, in trials."""


def variables_of_trials(trials: Trials) -> list[Variable]:
    """What needs no model: traces of choices and of each outcome, and the trial's number."""
    valid = trials.valid
    found = []
    signed = np.where(valid, trials.choice == trials.n_choices - 1, 0).astype(float)
    if trials.n_choices == 2:
        signed = np.where(valid, 2.0 * trials.choice - 1.0, 0.0)
    series = {"habit": signed}
    for i, name in enumerate(trials.names.outcomes):
        x = np.where(valid, np.nan_to_num(trials.outcome[:, :, i]), 0.0)
        series[f"rate of {name}"] = x
    for kind, x in series.items():
        found += [Variable(kind, "trials", _trace(x, valid, 1 / time)) for time in TIMES]
    number = np.broadcast_to(np.arange(valid.shape[1], dtype=float), valid.shape)
    return [*found, Variable("number of the trial", "trials", number)]


def choice_words(names: TrialNames) -> tuple[str, ...]:
    """`left` where the codes say so, else `choice 0`."""
    return tuple(code if isinstance(code, str) else f"choice {code}" for code in names.choices)


def varied(variables: Iterable[Variable], trials: Trials) -> list[Variable]:
    """Those that vary over the trials with a choice."""
    return [v for v in variables if np.ptp(v.values[trials.valid]) > 1e-6]


def _of_the_trial_before(values: np.ndarray) -> np.ndarray:
    """0 before the first trial; on missed trials, which have none, the last one that there was."""
    before = np.zeros_like(values)
    last = np.zeros(len(values))
    for t in range(values.shape[1]):
        before[:, t] = last
        last = np.where(np.isfinite(values[:, t]), values[:, t], last)
    return before


def _trace(x: np.ndarray, valid: np.ndarray, rate: float) -> np.ndarray:
    """Before each trial, moved by valid trials: trace <- trace + rate (x - trace), from 0."""
    before, trace = np.zeros_like(x), np.zeros(len(x))
    for t in range(x.shape[1]):
        before[:, t] = trace
        trace = np.where(valid[:, t], trace + rate * (x[:, t] - trace), trace)
    return before
