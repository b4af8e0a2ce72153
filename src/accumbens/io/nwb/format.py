"""Which columns of an NWB trials table mean what."""

from __future__ import annotations

import dataclasses
from typing import Literal

from ...errors import ConfigError
from ..tables.format import ChoiceText, TableFormat


@dataclasses.dataclass(frozen=True)
class NwbFormat:
    """The columns of an NWB file's trials table; `accumbens inspect FILE` lists those it has."""

    preset: Literal["auto", "dynamic_foraging", "accumbens", "none"] = "auto"
    """Layout that is known by name: dynamic foraging, files that accumbens wrote, none (name the
    columns), or auto, the one whose columns the file has unless --choice is given."""
    choice: str | None = None
    """Column of the choices."""
    choices: tuple[ChoiceText, ...] = ()
    """Codes in the choice column in order, where they are not one of the usual pairs."""
    missed: tuple[ChoiceText, ...] = ()
    """Codes in the choice column that mean a missed trial; so do blanks."""
    outcome: tuple[str, ...] = ()
    """Outcomes, each a column, name=column, or name=column|column: what any of them says."""
    context: tuple[str, ...] = ()
    """Columns of further numbers to carry along: event times, reward probabilities."""
    optional_context: tuple[str, ...] = ()
    """The same, but blank for files that do not have them."""
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
    """The format with the columns of its preset filled in where the user named none.

    columns: those of the file's table. ours: accumbens wrote the file, which then says itself.
    Raises ConfigError where no preset applies and the choices or outcomes are not named.
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
            "No preset knows this file: name its columns with --choice COLUMN and --outcome COLUMN "
            f"(or NAME=COLUMN|COLUMN). The columns of its table: {', '.join(columns) or 'none'}."
        )
    return format


def outcome_columns(text: str) -> tuple[str, tuple[str, ...]]:
    """`reward=left|right` as the outcome's name and the columns that it is made of.

    Raises ConfigError where a name or column is blank.
    """
    name, separator, right = text.partition("=")
    columns = tuple(part.strip() for part in (right if separator else name).split("|"))
    if not name.strip() or not all(columns) or (not separator and len(columns) > 1):
        raise ConfigError(
            f"--outcome {text}: write COLUMN, NAME=COLUMN, or NAME=COLUMN|COLUMN, without blanks."
        )
    return name.strip(), columns


def table_format(format: NwbFormat) -> TableFormat:
    """The columns of the table that sessions of this format are joined into."""
    return TableFormat(
        choice="choice",
        outcome=tuple(outcome_columns(text)[0] for text in format.outcome),
        signal=format.signal,
        instructed="instructed" if format.instructed else None,
        context=(*format.context, *format.optional_context),
        missed=format.missed,
        choices=format.choices,
    )
