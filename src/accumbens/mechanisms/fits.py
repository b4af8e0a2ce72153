"""Fitted disRNNs as a consensus reads them: the network, its score, and what it leaned on."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from ..errors import ConfigError, DataError, expect
from ..models.base import Model
from ..models.bias import BiasOnly
from ..models.disrnn import DisRNN
from ..scoring.evaluation import sums_of
from ..trials import Trials, expect_trials


class HeldOut(NamedTuple):
    """How well sessions that a fit did not see are predicted.

    Attributes:
        sessions: `subject/session` of each.
        subjects: name of each session's subject.
        log_likelihood: log p of the choices made, summed over the session, in nats.
        without_memory: the same under a fixed bias, that of the sessions fitted.
        n_scored: scored choices.
    """

    sessions: tuple[str, ...]
    subjects: tuple[str, ...]
    log_likelihood: Float[np.ndarray, " session"]
    without_memory: Float[np.ndarray, " session"]
    n_scored: Float[np.ndarray, " session"]

    @classmethod
    def of(cls, model: Model, fitted: Trials, held_out: Trials) -> HeldOut:
        """The scores of a model.

        Args:
            model: a fitted model.
            fitted: trials that it was fitted to.
            held_out: trials that it was not.

        Raises:
            DataError: the model does not suit the trials.
        """
        sums, bias = (sums_of(m, held_out) for m in (model, BiasOnly.from_trials(fitted)))
        names = held_out.names.subjects
        return cls(
            held_out.session_labels,
            tuple(names[i] for i in held_out.subject),
            sums.log_likelihood,
            bias.log_likelihood,
            sums.n_choices,
        )


@dataclasses.dataclass(frozen=True)
class NetworkFit:
    """One fitted disRNN among several of the same sessions.

    Args:
        name: by which tables and sentences call the fit.
        model: the fitted disRNN.
        held_out: how well it predicts sessions that it did not see; None where there are none.
        guide: the cognitive model that the network leaned on while it was fitted; None for none.
        share: of that model's predictions in what the network was fitted to; 1 is a copy of it.

    Raises:
        ConfigError: `model` is not a disRNN, or the share does not lie between 0 and 1.
    """

    name: str
    model: DisRNN
    held_out: HeldOut | None = None
    guide: str | None = None
    share: float = 0.0

    def __post_init__(self) -> None:
        expect(self.model, DisRNN, "model", "Give a fitted one: load_run(folder).disrnn.")
        if not 0 <= self.share <= 1:
            raise ConfigError(f"share is {self.share:g}; it must lie between 0 and 1.")

    @property
    def leaned_on(self) -> str | None:
        """The cognitive model that it leaned on, if it did."""
        return self.guide if self.share > 0 else None


def check_together(fits: Sequence[NetworkFit], trials: Trials) -> None:
    """Checks that fits can be compared with each other along these trials.

    Raises:
        ConfigError: there is no fit, or two have one name.
        DataError: a fit is made for other choices or outcomes than the trials have.
    """
    expect_trials(trials)
    names = [fit.name for fit in fits]
    if not names:
        raise ConfigError("There is no fit. Give one or more, such as those of a sweep.")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"Two fits have the name {twice}. Give each a name of its own.")
    if not trials.valid.any():
        raise DataError("No trial has a choice, so there is nothing along which fits can be seen.")
    known = trials.n_choices, tuple(trials.names.outcomes)
    for fit in fits:
        if (fit.model.n_choices, tuple(fit.model.outcome_names)) != known:
            raise DataError(
                f"The fit {fit.name} is made for {fit.model.n_choices} choices and the outcomes "
                f"{', '.join(fit.model.outcome_names) or 'none'}, and these trials have {known[0]} "
                f"choices and the outcomes {', '.join(known[1]) or 'none'}. Compare fits of one "
                "table, with the same columns."
            )
