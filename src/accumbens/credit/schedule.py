"""The schedule: with which probability the experimenter let each outcome follow each choice."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from ..errors import DataError
from ..trials import MISSED, Trials
from .columns import probability_columns


@dataclasses.dataclass(frozen=True, eq=False)
class Schedule:
    """The probabilities from which the outcomes of each trial were drawn.

    On trial t, given the choice made, each outcome came with its own probability, drawn
    independently of the other outcomes. The analyses of credit take the first outcome for the
    controllable reward and the others for distractors.

    Args:
        probability: of each outcome after each choice, between 0 and 1. NaN where it is not known;
            `check_schedule` allows that only for choices that were not made.
        outcomes: names of the outcomes, as in `Trials.names.outcomes`.

    Raises:
        DataError: the names are not as many as the outcomes, or there is no outcome.
    """

    probability: Float[np.ndarray, "session trial outcome choice"]
    outcomes: tuple[str, ...]

    def __post_init__(self) -> None:
        n = self.probability.shape[2]
        if n != len(self.outcomes) or n == 0:
            raise DataError(
                f"The schedule has probabilities of {n} outcomes, but {len(self.outcomes)} names "
                f"for them: {self.outcomes}. Give one name for each outcome, and at least one."
            )

    def of(self, outcome: str) -> Float[np.ndarray, "session trial choice"]:
        """The probability of one outcome after each choice.

        Raises:
            DataError: the schedule has no outcome of this name.
        """
        return self.probability[:, :, self.place(outcome)]

    def place(self, outcome: str) -> int:
        """The number of an outcome among the outcomes.

        Raises:
            DataError: the schedule has no outcome of this name.
        """
        if outcome not in self.outcomes:
            raise DataError(
                f"The schedule has no outcome {outcome!r}; its outcomes are "
                f"{', '.join(self.outcomes)}."
            )
        return self.outcomes.index(outcome)

    @property
    def controllable(self) -> Float[np.ndarray, "session trial choice"]:
        """The probability of the controllable reward, the first outcome, after each choice."""
        return self.probability[:, :, 0]

    @property
    def distractor(self) -> Float[np.ndarray, "session trial choice"]:
        """The probability of the distractor, the second outcome, after each choice.

        Raises:
            DataError: there is a single outcome.
        """
        if len(self.outcomes) < 2:
            raise DataError(
                f"The schedule has no distractor: its only outcome is {', '.join(self.outcomes)}."
            )
        return self.probability[:, :, 1]

    def after(
        self, choice: Int[np.ndarray, "session trial"]
    ) -> Float[np.ndarray, "session trial outcome"]:
        """The probability of each outcome after the choice made; NaN where none was made.

        Args:
            choice: of each trial, as in `Trials.choice`: -1 where the trial was missed.
        """
        made = np.maximum(choice, 0)[..., None, None]
        p = np.take_along_axis(self.probability, made, axis=-1)[..., 0]
        return np.where((choice != MISSED)[..., None], p, np.nan)


def depends_on_choice(probability: Float[np.ndarray, "session trial choice"]) -> bool:
    """True where the probability of an outcome differs between choices on any trial."""
    first = probability[..., :1]
    same = (probability == first) | (np.isnan(probability) & np.isnan(first))
    return not bool(same.all())


def label_probability(
    one: Float[np.ndarray, "*trial"], other: Float[np.ndarray, "*trial"]
) -> Float[np.ndarray, "*trial"]:
    """P(it was `one` | exactly one of two independent outcomes came) = p (1 - q) / (p (1 - q) +
    q (1 - p)), with p the probability of `one` and q that of `other`.

    Returns:
        The probability, between 0 and 1; 0 where exactly one outcome cannot come.
    """
    alone, other_alone = one * (1 - other), other * (1 - one)
    total = alone + other_alone
    return np.divide(alone, total, out=np.zeros_like(alone), where=total > 0)


def present_columns(trials: Trials, outcome: str) -> tuple[str, ...]:
    """The context columns of the trials that hold an outcome's probability.

    Returns:
        Of the columns that `probability_columns` names those for each choice if all are there, or
        else the single one; nothing where the trials have neither.
    """
    whatever, *by_choice = probability_columns(outcome, trials.n_choices)
    if set(by_choice) <= set(trials.names.contexts):
        return tuple(by_choice)
    return (whatever,) if whatever in trials.names.contexts else ()


def known_probabilities(trials: Trials) -> dict[str, Float[np.ndarray, "session trial choice"]]:
    """The probabilities that the context columns of the trials hold (see `present_columns`).

    Returns:
        The probability of each outcome after each choice; outcomes without columns are left out.
    """
    columns = {name: present_columns(trials, name) for name in trials.names.outcomes}
    return {name: _by_choice(trials, name, found) for name, found in columns.items() if found}


def schedule_of(trials: Trials) -> Schedule:
    """The schedule that the trials carry as context, as those of every task of accumbens do.

    Returns:
        The schedule of all outcomes of the trials, from the columns that `probability_columns`
        names.

    Raises:
        DataError: the probability of an outcome is not among the context columns.

    Example:
        >>> import jax
        >>> import accumbens
        >>> agent, task = accumbens.StructureNaive(0.3, 3.0), accumbens.DistractorRewards()
        >>> key = jax.random.key(0)
        >>> trials = accumbens.simulate(agent, task, n_sessions=1, n_trials=20, key=key)
        >>> schedule = accumbens.credit.schedule_of(trials)
        >>> schedule.outcomes, schedule.probability.shape  # session, trial, outcome, choice
        (('controllable', 'distractor'), (1, 20, 2, 2))
    """
    found = known_probabilities(trials)
    missing = [name for name in trials.names.outcomes if name not in found]
    if missing:
        single, *by_choice = probability_columns(missing[0], trials.n_choices)
        raise DataError(
            f"The trials do not hold the schedule: no context column has the probability of "
            f"{', '.join(missing)}. Their context columns are {trials.names.contexts}; expected "
            f"were {', '.join(by_choice)}, or {single}. Read the table with these columns as "
            "context, or state the probabilities with schedule_from_columns."
        )
    return _schedule(trials, found)


def schedule_from_columns(trials: Trials, columns: Mapping[str, Sequence[str | float]]) -> Schedule:
    """The schedule from context columns of the trials, or from fixed numbers.

    Args:
        trials: the trials that the outcomes of the schedule came on.
        columns: for each outcome either one entry, the probability whatever the choice, or one
            entry for each choice in the order of `trials.names.choices`. An entry is the name of a
            context column, or a probability between 0 and 1.

    Raises:
        DataError: an outcome has no entries or too few, or a column does not exist.
    """
    missing = [name for name in trials.names.outcomes if name not in columns]
    if missing:
        raise DataError(f"No probability is stated for the outcome {', '.join(missing)}.")
    names = trials.names.outcomes
    return _schedule(trials, {name: _by_choice(trials, name, columns[name]) for name in names})


def _schedule(
    trials: Trials, found: Mapping[str, Float[np.ndarray, "session trial choice"]]
) -> Schedule:
    names = trials.names.outcomes
    return Schedule(np.stack([found[name] for name in names], axis=2), names)


def _by_choice(
    trials: Trials, outcome: str, entries: Sequence[str | float]
) -> Float[np.ndarray, "session trial choice"]:
    """The probability of one outcome after each choice, from one entry or one for each choice."""
    if len(entries) not in (1, trials.n_choices):
        raise DataError(
            f"The outcome {outcome!r} has {len(entries)} probabilities; give one, or one for each "
            f"of the {trials.n_choices} choices {trials.names.choices}."
        )
    values = []
    for entry in entries:
        if not isinstance(entry, str):
            values.append(np.full(trials.choice.shape, float(entry)))
        elif entry in trials.names.contexts:
            values.append(trials.context[..., trials.names.contexts.index(entry)])
        else:
            raise DataError(
                f"The probability of {outcome!r} cannot be read from the column {entry!r}: the "
                f"context columns of the trials are {trials.names.contexts}."
            )
    return np.stack(values * (trials.n_choices if len(values) == 1 else 1), axis=-1)


def check_schedule(trials: Trials, schedule: Schedule) -> None:
    """Checks that the outcomes of the trials can have been drawn from the schedule.

    Raises:
        DataError: the schedule has other outcomes, sessions, trials or choices than the trials; a
            probability is missing or outside [0, 1] on a trial with a choice; or an outcome of
            probability 0 came, or one of probability 1 did not.
    """
    if schedule.outcomes != trials.names.outcomes:
        raise DataError(
            f"The schedule is of the outcomes {schedule.outcomes}, but the trials have "
            f"{trials.names.outcomes}. Make the schedule from these trials."
        )
    shape = (*trials.outcome.shape, trials.n_choices)
    if schedule.probability.shape != shape:
        raise DataError(
            f"The probabilities of the schedule have the shape {schedule.probability.shape} "
            f"(session, trial, outcome, choice), but these trials need {shape}. Make the schedule "
            "from these trials."
        )
    probability = schedule.after(trials.choice)
    for k, name in enumerate(trials.names.outcomes):
        made, came = trials.valid, trials.outcome[..., k] > 0
        p = np.where(made, probability[..., k], 0.5)
        bad = ~((p >= 0) & (p <= 1))
        if bad.any():
            raise DataError(
                f"The probability of {name} is missing or outside [0, 1] on {int(bad.sum())} "
                f"trials with a choice, first in {_first(trials, bad)}. Correct these "
                f"probabilities{_percent(p)}."
            )
        impossible = made & ((came & (p == 0)) | (~came & (p == 1)))
        if impossible.any():
            raise DataError(
                f"The outcome {name} contradicts its probability on {int(impossible.sum())} trials "
                f"(it came with probability 0, or did not come with probability 1), first in "
                f"{_first(trials, impossible)}. Are two outcome columns, or the choices, swapped?"
            )


def _percent(p: Float[np.ndarray, "session trial"]) -> str:
    """A hint where probabilities look like percent."""
    largest = np.max(p, initial=0.0, where=np.isfinite(p))
    return ": they look like percent; divide them by 100" if 1 < largest <= 100 else ""


def _first(trials: Trials, where: Bool[np.ndarray, "session trial"]) -> str:
    """The first of some trials, in words."""
    session, trial = np.argwhere(where)[0]
    return f"session {trials.session_labels[session]}, trial {trials.number[session, trial]}"
