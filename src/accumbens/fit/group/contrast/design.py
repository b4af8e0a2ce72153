"""Which sessions a contrast compares, and whether within or between animals: found from the levels.

Within: at least two animals have sessions at both levels, and those animals are compared with
themselves. Between: each level has at least two animals with sessions at that level alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Bool, Int

from ....errors import ConfigError, DataError
from ....summary import counted, listed
from ....trials import Trials
from ....trials.assembly import with_present_subjects

MIN_ANIMALS = 2
"""At both levels, or at each of them: fewer say nothing of how animals differ."""
CONTROLS = (
    "saline", "vehicle", "veh", "control", "ctrl", "ctl", "sham", "baseline", "none", "off", "wt",
    "wildtype", "wild type", "wild-type", "placebo", "naive", "0", "false", "no", "pre", "before",
)  # fmt: skip
"""Usual names of the level that others are compared with."""


@dataclasses.dataclass(frozen=True)
class ContrastDesign:
    """The sessions that are compared.

    Attributes:
        column: what the levels are of, such as `drug`.
        levels: the reference, and what is compared with it.
        within: whether each animal has sessions at both levels, or at one of them alone.
        trials: the sessions that count, and their animals alone.
        level: of each of these sessions, 0 (reference) or 1.
        notes: what was left out, and why.
    """

    column: str
    levels: tuple[str, str]
    within: bool
    trials: Trials
    level: Int[np.ndarray, " session"]
    notes: tuple[str, ...]

    @property
    def n_subjects(self) -> int:
        """Number of animals."""
        return len(self.trials.names.subjects)

    def of_subject(self) -> Int[np.ndarray, " subject"]:
        """The level of each animal, between animals."""
        found = np.zeros(self.n_subjects, int)
        found[self.trials.subject] = self.level
        return found

    def counts(self) -> dict[str, dict[str, int]]:
        """Of each level, how many animals, sessions and scored choices it has."""
        found = {}
        for i, name in enumerate(self.levels):
            at = self.level == i
            found[name] = {
                "animals": len(np.unique(self.trials.subject[at])),
                "sessions": int(at.sum()),
                "choices": int(self.trials.scored[at].sum()),
            }
        return found

    def sentence(self) -> str:
        """Who is compared with whom, in words."""
        reference, other = self.levels
        counts = self.counts()
        sessions = " and ".join(
            f"{counted(counts[name]['sessions'], 'session')} of {name}" for name in self.levels
        )
        if self.within:
            return (
                f"{self.column}: {other} less {reference}, within "
                f"{counted(self.n_subjects, 'animal')} ({sessions})"
            )
        animals = " and ".join(
            f"{counted(counts[name]['animals'], 'animal')} of {name}" for name in self.levels
        )
        return f"{self.column}: {other} less {reference}, between animals: {animals} ({sessions})"


def contrast_design(
    trials: Trials,
    levels: Mapping[str, str],
    column: str = "condition",
    compare: Sequence[str] = (),
) -> ContrastDesign:
    """Finds out from the levels who is compared with whom.

    Args:
        trials: all sessions.
        levels: of each session by its label, `subject/session`. Sessions without one are left out.
        column: name of what the levels are of, for messages.
        compare: the reference level and the other; by default the two that there are, with a usual
            name of a control (saline, vehicle, wt, ...) or else the first in order as reference.

    Raises:
        ConfigError: `compare` does not name two different levels that there are.
        DataError: there is one level, there are more than two and none are named, or a level has
            too few animals.
    """
    labels = trials.session_labels
    scored = np.asarray(trials.scored.any(1))
    own = [levels.get(label) if scored[i] else None for i, label in enumerate(labels)]
    there = _in_order({level for level in own if level is not None})
    reference, other = _compared(there, column, compare)
    code: Int[np.ndarray, " session"] = np.array(
        [{reference: 0, other: 1}.get(level or "", -1) for level in own]
    )
    notes = []
    if blank := [labels[i] for i, level in enumerate(own) if level is None]:
        notes.append(
            f"{counted(len(blank), 'session')} without a level of {column}, or without a scored "
            f"choice, left out: {listed(blank)}."
        )
    if dropped := [level for level in there if level not in (reference, other)]:
        notes.append(f"Sessions at other levels of {column} left out: {listed(dropped)}.")
    at = np.array([
        [(code[trials.subject == i] == level).any() for level in (0, 1)]
        for i in range(len(trials.names.subjects))
    ])  # fmt: skip
    within, kept = _kept(at, trials, column, (reference, other), notes)
    sessions = np.flatnonzero((code >= 0) & kept[trials.subject])
    if within and (first := _always_first(code[sessions], trials.subject[sessions])) is not None:
        before, after = (reference, other) if first == 0 else (other, reference)
        notes.append(
            f"In every animal all sessions of {before} come before those of {after}, in the order "
            "of the sessions: learning or drift may stand behind a difference, and the test over "
            "sessions, which takes their levels as handed out by chance, does not hold."
        )
    return ContrastDesign(
        column, (reference, other), within,
        with_present_subjects(trials.select_sessions(sessions)), code[sessions],
        tuple(notes),
    )  # fmt: skip


def _compared(there: Sequence[str], column: str, compare: Sequence[str]) -> tuple[str, str]:
    """The reference level, and the other."""
    if compare:
        unknown = [level for level in compare if level not in there]
        if len(compare) != 2 or unknown or compare[0] == compare[1]:
            raise ConfigError(
                f"A contrast compares two levels, the reference first, and {listed(compare)} "
                f"{'is' if len(compare) == 1 else 'are'} given. The levels of {column} are "
                f"{listed(there)}."
            )
        return compare[0], compare[1]
    if len(there) < 2:
        what = f"one level, {there[0]}," if there else "no level"
        raise DataError(
            f"The column {column} has {what} in these sessions, so there is nothing to compare. "
            "Name a column with two levels."
        )
    if len(there) > 2:
        raise DataError(
            f"The column {column} has {len(there)} levels ({listed(there)}), and a contrast "
            f"compares two. Name them, the reference first: --contrast-levels {there[0]} "
            f"{there[1]}. For numbers, make a column of two levels, such as low and high."
        )
    controls = [level for level in there if level.strip().casefold() in CONTROLS]
    if controls == [there[1]]:
        return there[1], there[0]
    return there[0], there[1]


def _kept(
    at: Bool[np.ndarray, "subject level"], trials: Trials, column: str,
    levels: tuple[str, str], notes: list[str],
) -> tuple[bool, Bool[np.ndarray, " subject"]]:  # fmt: skip
    """Whether the contrast is within animals, and the animals that count."""
    names = np.array(trials.names.subjects)
    n_levels = at.sum(axis=1)
    both, one = n_levels == 2, n_levels == 1
    if both.sum() >= MIN_ANIMALS:
        if one.any():
            notes.append(
                f"Left out, since they have sessions at one level of {column} alone: "
                f"{listed(names[one].tolist())}."
            )
        return True, both
    alone = [names[one & at[:, i]].tolist() for i in (0, 1)]
    if min(map(len, alone)) >= MIN_ANIMALS:
        if both.any():
            notes.append(
                f"Left out, since it alone has sessions at both levels of {column}: "
                f"{listed(names[both].tolist())}."
            )
        return False, one
    said = "; ".join(
        f"{level} alone: {listed(found)}" for level, found in zip(levels, alone, strict=True)
    )
    raise DataError(
        f"The column {column} cannot be compared over animals. With both levels: "
        f"{listed(names[both].tolist())}; with {said}. There must be at least {MIN_ANIMALS} "
        f"animals with both levels, or {MIN_ANIMALS} with each: one animal's difference may be "
        "its own. Add animals, or name another column."
    )


def _always_first(
    level: Int[np.ndarray, " session"], subject: Int[np.ndarray, " session"]
) -> int | None:
    """The level whose sessions come before those of the other in every animal, if one does."""
    found = set()
    for i in np.unique(subject):
        own = level[subject == i]
        turns = np.flatnonzero(np.diff(own))
        found.add(int(own[0]) if len(turns) == 1 else None)
    return found.pop() if len(found) == 1 else None


def _in_order(levels: set[str]) -> list[str]:
    """Numbers by size, then text by the alphabet."""

    def place(level: str):
        try:
            return 0, float(level), level
        except ValueError:
            return 1, 0.0, level

    return sorted(levels, key=place)
