"""The trials of a fit, as the run recorded them in predictions.parquet."""

from __future__ import annotations

import dataclasses
from typing import Any

from .records import Records


@dataclasses.dataclass(frozen=True)
class Recorded:
    """The trials of a run, as it recorded them.

    Attributes:
        frame: predictions.parquet as a DataFrame, a row a trial; None where the folder lacks it.
        subject, session, trial, choice: names of these columns.
        instructed: name of the column of forced choices; None where there is none.
        outcomes, signals, contexts: names of these columns.
        choices: codes in their order.
    """

    frame: Any
    subject: str
    session: str
    trial: str
    choice: str
    instructed: str | None
    outcomes: tuple[str, ...]
    signals: tuple[str, ...]
    contexts: tuple[str, ...]
    choices: tuple[Any, ...]

    @classmethod
    def of(cls, records: Records) -> Recorded:
        """Those of a fit."""
        run, form = records.result, records.result.config.table
        frame = run.predictions() if run.folder.predictions.is_file() else None
        columns = [] if frame is None else list(frame.columns)
        # the order of `to_table`: subject, session, trial, choice, outcomes, signals, contexts
        end = columns.index("held_out") if "held_out" in columns else 0
        own = columns[:end]
        n = 4 + len(form.outcome) + len(form.signal)
        rest = own[n:]
        # predictions.parquet calls it so, whatever the table of the run did
        flags = (name for name in ("instructed", form.instructed) if name in rest)
        forced = next(flags, None)
        contexts = tuple(c for c in rest if c != forced)
        named = own[:4] if len(own) >= 4 else ["subject", "session", "trial", "choice"]
        choices = tuple(records.about.get("choices", ()))
        if not choices and frame is not None:
            seen = frame[named[3]].dropna().unique().tolist()
            choices = tuple(sorted(seen, key=str))
        return cls(frame, named[0], named[1], named[2], named[3], forced, form.outcome,
                   form.signal, contexts, choices)  # fmt: skip

    @property
    def explorable(self) -> bool:
        """Whether there are trials to look at."""
        return self.frame is not None and len(self.frame) > 0

    @property
    def fitted(self) -> int:
        """How many trials the fitted sessions have."""
        return 0 if self.frame is None else int((~self.frame["held_out"]).sum())
