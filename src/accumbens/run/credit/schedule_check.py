"""The check of the schedule in a run: an error, or a warning where the user trusts it."""

from __future__ import annotations

from typing import Any

from ...credit.calibration.check import Calibration, believe_schedule, calibrate_schedule
from ...credit.schedule import Schedule
from ...trials import Trials
from ..finite import without_nan

TRUSTED = "The tests trust the stated schedule all the same (trust_schedule)."
"""Ends the warning of a run that goes on."""


def checked_schedule(
    trials: Trials, schedule: Schedule | None, trust: bool
) -> tuple[Calibration | None, tuple[str, ...]]:
    """The calibration of a schedule before a test redraws from it.

    Returns:
        The calibration, None without a schedule; and the warnings: what is wrong with a schedule
        that is trusted all the same.

    Raises:
        DataError: the rewards did not come with the stated probabilities, and `trust` is false.
    """
    if schedule is None:
        return None, ()
    found = (calibrate_schedule if trust else believe_schedule)(trials, schedule)
    return found, () if found.believable else (f"{found.problem()} {TRUSTED}",)


def note_on_ridge(ridge: float | str, tested: bool) -> tuple[str, ...]:
    """A warning that tests have another ridge than the indices, where it is cross-validated."""
    if ridge != "cv" or not tested:
        return ()
    return (
        "Weights and indices have the ridge that cross-validation chose; the tests refit without "
        "one (0.01), observed and redrawn rewards alike, as a strength chosen from the observed "
        "rewards would spoil their exactness. So observed statistics of the tests differ from the "
        "indices. Give --ridge a number for one ridge in both.",
    )


def schedule_metrics(calibration: Calibration | None, trusted: bool) -> dict[str, Any] | None:
    """What metrics.json says of the schedule; None where it is not known."""
    if calibration is None:
        return None
    return {
        "believable": calibration.believable,
        "trust_schedule": trusted,
        "evidence_against_log10": calibration.evidence,
        "likely_cause": calibration.cause or None,
        "outcomes": [without_nan(o._asdict()) for o in calibration.outcomes],
        "rates": [without_nan(r._asdict()) for r in calibration.rates],
    }
