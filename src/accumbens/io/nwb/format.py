"""Which columns of the trials table of an NWB file mean what."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ...errors import ConfigError
from ..tables.format import FREE_WATER, ChoiceText, TableFormat


@dataclasses.dataclass(frozen=True)
class NwbFormat:
    """The columns of the trials table of an NWB file; `accumbens inspect FILE` lists them."""

    preset: Literal["auto", "dynamic_foraging", "accumbens", "none"] = "auto"
    """Known layout: dynamic foraging, files that accumbens wrote, none (name the columns), or auto,
    which is the layout whose columns the file has, unless --choice is given."""
    choice: str | None = None
    """Column of the choices."""
    choices: tuple[ChoiceText, ...] = ()
    """Codes in the choice column in order, where they are not one of the usual pairs."""
    missed: tuple[ChoiceText, ...] = ()
    """Codes in the choice column that mean a missed trial; so do blanks."""
    outcome: tuple[str, ...] = ()
    """Outcomes, each a column, name=column, or name=column|column (the largest of several)."""
    context: tuple[str, ...] = ()
    """Columns of further numbers to carry along: event times, reward probabilities."""
    optional_context: tuple[str, ...] = ()
    """Columns of further numbers, which are blank for files that do not have them."""
    signal: tuple[str, ...] = ()
    """Columns of neural signals, one number a trial."""
    instructed: str | None = None
    """Column that is true where the choice was forced."""
    table: str = "trials"
    """Table of intervals with one row a trial."""
    subject_id: str | None = None
    """Subject, instead of the one that the file names."""
    session_id: str | None = None
    """Session, instead of the file's own id; for one file only."""
    free_water: Literal["leave", "reward", "outcome"] = "leave"
    """Water given freely on the chosen side (auto_waterL, auto_waterR of NWB files), which rewards
    do not count: leave it out with a warning, count it as the first outcome, or as an outcome of
    its own, free_water."""
    labels_differ: bool = False
    """Labels of subjects, or of sessions of a subject, that differ only in blanks, case, leading
    zeros or ".0" are different ones; otherwise they are an error."""


DYNAMIC_FORAGING = NwbFormat(
    preset="dynamic_foraging",
    choice="animal_response",
    choices=(0, 1),
    missed=(2,),
    outcome=("reward=rewarded_historyL|rewarded_historyR",),
    context=(
        "reward_probabilityL", "reward_probabilityR", "start_time", "stop_time",
        "goCue_start_time", "reward_outcome_time",
    ),
    optional_context=(
        "delay_start_time", "bait_left", "bait_right", "auto_waterL", "auto_waterR",
        "laser_on_trial",
    ),
)  # fmt: skip
"""Dynamic foraging of the Allen Institute: response 0 left, 1 right, 2 ignored; block reward
probabilities and event times (s) as context."""


def resolved(format: NwbFormat, columns: tuple[str, ...], *, ours: bool) -> NwbFormat:
    """The format with the columns of its preset, where the user named none.

    Args:
        format: as the user gave it.
        columns: of the trials table of the file.
        ours: whether accumbens wrote the file, which then says what its columns mean.

    Raises:
        ConfigError: no preset applies, and the choice or the outcomes are not named.
    """
    preset = format.preset
    if preset == "auto" and format.choice is None:
        needed = {"animal_response", "rewarded_historyL", "rewarded_historyR"}
        preset = "accumbens" if ours else "dynamic_foraging" if needed <= set(columns) else "none"
    if preset == "accumbens":
        return dataclasses.replace(format, preset="accumbens")
    if preset == "dynamic_foraging":
        named = {
            field.name: value
            for field in dataclasses.fields(format)
            if (value := getattr(format, field.name)) != field.default
        }
        return dataclasses.replace(DYNAMIC_FORAGING, **(named | {"preset": "dynamic_foraging"}))
    if format.choice is None or not format.outcome:
        raise ConfigError(
            "The layout of this file is not known: name its columns with --choice COLUMN and "
            "--outcome COLUMN (or NAME=COLUMN|COLUMN). The columns of its table are "
            f"{', '.join(columns) or 'none'}."
        )
    return format


def outcome_columns(text: str) -> tuple[str, tuple[str, ...]]:
    """An outcome as the user writes it, such as `reward=left|right`.

    Returns:
        The name of the outcome, and the columns that it is made of.

    Raises:
        ConfigError: the name or a column is blank.
    """
    name, separator, right = text.partition("=")
    columns = tuple(part.strip() for part in (right if separator else name).split("|"))
    if not name.strip() or not all(columns) or (not separator and len(columns) > 1):
        raise ConfigError(
            f"--outcome is {text!r}; it must be COLUMN, NAME=COLUMN, or NAME=COLUMN|COLUMN, and no "
            "part may be blank."
        )
    return name.strip(), columns


def table_format(format: NwbFormat) -> TableFormat:
    """The format of the table in which sessions of this format are joined."""
    return TableFormat(
        choice="choice",
        outcome=(
            *(outcome_columns(text)[0] for text in format.outcome),
            *((FREE_WATER,) if format.free_water == "outcome" else ()),
        ),
        signal=format.signal,
        instructed="instructed" if format.instructed else None,
        context=(*format.context, *format.optional_context),
        missed=format.missed,
        choices=format.choices,
        labels_differ=format.labels_differ,
    )
