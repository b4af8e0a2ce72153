"""What the models of a run know of its table: subjects by number, choices, and units of signals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from ...errors import DataError
from ...trials import ChoiceCode, Trials

OWN_UNIT = "own"
"""What a run's `about` says of its signals' unit. Runs of 0.1.0 say nothing: their models predict
signals that were standardised over the whole table, unless their option signal_scale was none."""


def standardised_before_fitting(about: Mapping[str, Any], signal_scale: str) -> bool:
    """Whether a run's models predict standardised signals, as those of 0.1.0 may.

    about: of the run. signal_scale: its option.
    """
    return signal_scale == "all" and about.get("signal_unit") != OWN_UNIT


class SignalScaling(NamedTuple):
    """How the signals of a run of 0.1.0 were standardised: (signal - mean) / sd.

    Attributes:
        mean: of each signal, in its unit, over all sessions of the run's table.
        sd: its standard deviation there.
    """

    mean: Float[np.ndarray, " signal"]
    sd: Float[np.ndarray, " signal"]

    @classmethod
    def of(cls, trials: Trials, table: str) -> SignalScaling:
        """Mean and SD over the scored trials on which each signal was measured.

        Args:
            trials: with signals in their own units.
            table: where they are from, for the message.

        Raises:
            DataError: a signal does not vary.
        """
        values = np.where(trials.signal_scored, trials.signal, np.nan)
        sd = np.nanstd(values, axis=(0, 1))
        if not (sd > 0).all():
            constant = trials.names.signals[int(np.argmin(sd > 0))]
            raise DataError(f"{table}: signal {constant!r} does not vary; leave it out.")
        return cls(np.nanmean(values, axis=(0, 1)), sd)

    def applied(self, trials: Trials) -> Trials:
        """The same trials with standardised signals."""
        return trials.with_signals((trials.signal - self.mean) / self.sd, trials.names.signals)


class KnownData(NamedTuple):
    """What is needed to show new trials to the models of a run.

    Attributes:
        subjects: names of the subjects, in the order of their numbers.
        choices: codes of the choices, in the order of their numbers.
        scaling: of the signals of a run of 0.1.0; None where models predict them in their units.
    """

    subjects: tuple[str, ...]
    choices: tuple[ChoiceCode, ...]
    scaling: SignalScaling | None

    @classmethod
    def of(cls, trials: Trials, scaling: SignalScaling | None) -> KnownData:
        """That of the trials of a run. scaling: which was applied to them."""
        return cls(trials.names.subjects, trials.names.choices, scaling)

    def as_tables(self) -> dict[str, Any]:
        """For `about` in a run's config.toml."""
        found: dict[str, Any] = {"subjects": list(self.subjects), "choices": list(self.choices)}
        found["signal_unit"] = OWN_UNIT
        return found

    @classmethod
    def from_tables(cls, about: Mapping[str, Any], signals: tuple[str, ...]) -> KnownData | None:
        """What `as_tables` wrote, or an earlier version; None where 0.1.0 wrote nothing.

        signals: names of the signals that were standardised; none where they kept their units.
        """
        if "subjects" not in about or "choices" not in about:
            return None
        units = about.get("signals", {})
        if any(name not in units for name in signals):
            return None
        scaling = None
        if signals:
            mean, sd = (np.array([units[s][key] for s in signals]) for key in ("mean", "sd"))
            scaling = SignalScaling(mean, sd)
        return cls(tuple(about["subjects"]), tuple(about["choices"]), scaling)
