"""What the table of a run shows before anything is fitted: errors that end it, and notices."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import DataError
from ...scoring.splits import Split, apply_split
from ...summary import counted, listed
from ...trials import Trials

LARGEST, SMALLEST = 1e12, 1e-12
"""Models compute in single precision, in which the squares of larger and smaller numbers are
lost."""
FAR = 50.0
"""A signal farther from its median than so many times the spread of its middle half is no signal
of the brain: a recording that was saturated, or a code for a missing value."""


def check_sizes(trials: Trials) -> None:
    """Checks that models can compute with every outcome and signal.

    Args:
        trials: all sessions.

    Raises:
        DataError: one is beyond single precision, or all of a column are; names it, and the session
            and trial of one.
    """
    for kind, names, values, where in (
        ("outcome", trials.names.outcomes, trials.outcome, trials.valid[..., None]),
        ("signal", trials.names.signals, trials.signal, trials.signal_scored),
    ):
        sizes = np.where(where, np.abs(values), 0.0)
        for i, name in enumerate(names):
            if sizes[..., i].max() > LARGEST:
                s, t = np.unravel_index(np.argmax(sizes[..., i]), sizes.shape[:2])
                raise DataError(
                    f"The {kind} {name} is {values[s, t, i]:.3g} on trial {trials.number[s, t]} of "
                    f"session {trials.session_labels[s]}, and models compute with numbers up to "
                    f"{LARGEST:g}. Write it in a larger unit, or blank what is no measurement."
                )
            if 0 < sizes[..., i].max() < SMALLEST:
                raise DataError(
                    f"The {kind} {name} is at most {sizes[..., i].max():.3g} in size, and models "
                    f"compute with numbers from {SMALLEST:g} on. Write it in a smaller unit."
                )


def check_fitted(train: Trials) -> None:
    """Checks that what is fitted can be.

    Args:
        train: the training sessions.

    Raises:
        DataError: they have no free choice, or a signal was not measured there or does not vary.
    """
    if not train.scored.any():
        raise DataError(
            "The fitted sessions have no free choice: all are missed or instructed. Hold out other "
            "sessions (--split.test-sessions, --split.folds), or check the column of choices."
        )
    other = (
        "Fit other sessions (--split.test-sessions, --split.folds), or leave it out of --signal."
    )
    for i, name in enumerate(train.names.signals):
        own = train.signal[..., i][train.signal_scored[..., i]]
        if own.size < 2:
            raise DataError(
                f"The signal {name} was measured on {counted(own.size, 'scored trial')} of the "
                f"fitted sessions, so nothing can be learnt of it. {other}"
            )
        if np.ptp(own) <= 1e-6 * np.abs(own).max():
            raise DataError(
                f"The signal {name} does not vary in the fitted sessions: it is {own[0]:.6g} "
                f"throughout. {other}"
            )


def notices(trials: Trials, split: Split) -> list[str]:
    """What a reader of the numbers must know of the table, a sentence or two each.

    Args:
        trials: all sessions.
        split: which of them are fitted, and which held out.
    """
    train, test = apply_split(split, trials)
    found = _scales(trials) + _artefacts(trials) + _of_some_subjects(train)
    if not split.holds_out:
        return found
    names = trials.names.subjects
    unseen = [names[s] for s in np.unique(test.subject) if s not in train.subject]
    if unseen:
        found.append(
            f"No session of {listed(unseen)} was fitted. These held-out sessions show how models "
            "predict animals that they do not know, not how they predict new sessions of animals "
            "that they know."
        )
    for i, name in enumerate(trials.names.signals):
        if not test.signal_scored[..., i].any():
            found.append(f"{name} was not measured in the held-out sessions, so it is not scored.")
    return found


def of_mini_batches(fits: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which models were fitted in mini-batches, but for those that say so where they say how they
    were chosen.

    Args:
        fits: what is noted of each, by name.
    """
    return [
        f"{name} was fitted in mini-batches. {in_mini_batches(notes['mini_batches'])}"
        for name, notes in fits.items()
        if "mini_batches" in notes and "selection" not in notes
    ]


def in_mini_batches(sizes: Mapping[str, int]) -> str:
    """In words, what a gradient step saw.

    Args:
        sizes: `sessions` and `trials` that a step saw, and `of_sessions`, all of them.
    """
    return (
        f"Each gradient step saw {sizes['sessions']:,} of {sizes['of_sessions']:,} sessions (about "
        f"{sizes['trials']:,} trials), balanced over animals; the model has averaged weights."
    )


def _of_some_subjects(train: Trials) -> list[str]:
    """Signals that were measured in some of the fitted subjects only."""
    names, present = train.names.subjects, np.unique(train.subject)
    some = []
    for i, name in enumerate(train.names.signals):
        told = np.unique(train.subject[train.signal_scored[..., i].any(1)])
        if len(told) < len(present):
            some.append(f"{name} in {listed([names[s] for s in told])}")
    if not some:
        return []
    more = f" and {counted(len(some) - 3, 'other signal')}" if some[3:] else ""
    return [
        f"Of {len(present)} fitted subjects some were not measured: {'; '.join(some[:3])} alone"
        f"{more}. What is said of a signal, and of how subjects differ in it, rests on those that "
        "were; of the others it is what the group makes likely."
    ]


def _scales(trials: Trials) -> list[str]:
    """Outcomes that are not between 0 and 1, as the parameters of models take rewards to be."""
    found = []
    for i, name in enumerate(trials.names.outcomes):
        own = trials.outcome[..., i][trials.valid]
        if own.min() < 0 or own.max() > 1:
            found.append(
                f"The outcome {name} lies between {own.min():g} and {own.max():g}, not 0 and 1. "
                "Cognitive models take it in its unit: a start value, a reward strength and an "
                "inverse temperature are in that unit, and cannot be compared with those of "
                "rewards of 0 and 1."
            )
    return found


def _artefacts(trials: Trials) -> list[str]:
    """Signals with values that no signal has."""
    found = []
    for i, name in enumerate(trials.names.signals):
        scored = trials.signal_scored[..., i]
        own = trials.signal[..., i][scored]
        low, middle, high = np.percentile(own, [25, 50, 75]) if own.size else (0.0, 0.0, 0.0)
        far = scored & (np.abs(trials.signal[..., i] - middle) > FAR * (high - low))
        if high <= low or not far.any():
            continue
        s, t = np.argwhere(far)[0]
        found.append(
            f"{name} is {trials.signal[s, t, i]:g} on trial {trials.number[s, t]} of session "
            f"{trials.session_labels[s]}"
            + (f" and far off on {counted(far.sum() - 1, 'other trial')}" if far.sum() > 1 else "")
            + f", while its middle half lies between {low:.3g} and {high:.3g}. One such value can "
            "decide a mean squared error: blank it if it is no measurement."
        )
    return found
