"""Which columns mean what, whatever kind of file they are in."""

from __future__ import annotations

import dataclasses

from ..errors import ConfigError
from .nwb.format import NwbFormat
from .tables.format import DEFAULT_FORMAT, TableFormat


@dataclasses.dataclass(frozen=True)
class SourceFormat(NwbFormat):
    """The columns of NWB files or of tables; `accumbens inspect FILE` lists those a file has."""

    choice: str | None = None
    """Column of the choices; for tables, choice by default."""
    outcome: tuple[str, ...] = ()
    """Outcomes, each a column; for tables, reward by default. For NWB files also name=column, or
    name=column|column (the largest of several)."""
    subject: str | None = DEFAULT_FORMAT.subject
    """For tables: column that names the animal or person; None: all rows are of one subject."""
    session: str | None = DEFAULT_FORMAT.session
    """For tables: column that names the session; None: each file is one session, named after it."""
    trial: str | None = DEFAULT_FORMAT.trial
    """For tables: column of trial numbers, ascending within a session; None: the rows' order."""

    name: str | None = None
    """For tables: what the names of the files say, in braces, such as '{subject}_{session}'."""

    def of_nwb(self) -> NwbFormat:
        """The format for NWB files.

        Raises:
            ConfigError: an option for tables is set.
        """
        for field in ("subject", "session", "trial"):
            if getattr(self, field) != getattr(DEFAULT_FORMAT, field):
                instead = "" if field == "trial" else f"; an NWB file's {field} is --{field}-id"
                raise ConfigError(f"--{field} names a column of a table{instead}. Leave it out.")
        if self.name is not None:
            raise ConfigError("--name is for tables; an NWB file says its subject and session.")
        return NwbFormat(**{f.name: getattr(self, f.name) for f in dataclasses.fields(NwbFormat)})

    def of_table(self) -> TableFormat:
        """The format for tables.

        Raises:
            ConfigError: an option for NWB files is set.
        """
        for field in ("preset", "optional_context", "table", "free_water"):
            if getattr(self, field) != getattr(NwbFormat, field):
                option = field.replace("_", "-")
                raise ConfigError(
                    f"--{option} is for NWB files; a table does not need it. Leave it out."
                )
        made = [text for text in self.outcome if "=" in text or "|" in text]
        if made:
            raise ConfigError(
                f"--outcome is {made[0]!r}, but for a table it must be a single column. Only "
                "outcomes of NWB files are made of several."
            )
        in_name = () if self.name is None else ("{subject}", "{session}")
        told = {field[1:-1] for field in in_name if field in str(self.name)}
        return TableFormat(
            choice=self.choice or DEFAULT_FORMAT.choice,
            outcome=self.outcome or DEFAULT_FORMAT.outcome,
            signal=self.signal,
            subject=None if self.subject_id or "subject" in told else self.subject,
            session=None if self.session_id or "session" in told else self.session,
            trial=self.trial,
            instructed=self.instructed,
            context=self.context,
            missed=self.missed,
            choices=self.choices,
            labels_differ=self.labels_differ,
        )
