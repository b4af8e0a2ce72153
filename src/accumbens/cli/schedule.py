"""The stated schedule beside the outcomes that came, at the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import Output

if TYPE_CHECKING:
    from ..credit.calibration.check import Calibration


def print_schedule(out: Output, calibration: Calibration | None) -> None:
    """The rates of the outcomes at each stated probability."""
    if calibration is None:
        return
    rows = [
        [r.outcome, r.choice, f"{r.stated:.2f}", f"{r.observed:.3f} ({r.low:.3f}, {r.high:.3f})",
         f"{r.trials:,}"]
        for r in calibration.rates
    ]  # fmt: skip
    heads = ["outcome", "choice", "stated", "came (95 %)", "trials"]
    out.table(heads, rows, title="The schedule: how often outcomes came", numbers=range(2, 5))
