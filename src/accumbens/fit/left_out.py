"""What was said of sessions or animals that were left out of a fit."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import ConfigError
from ..summary import Summary, counted, listed, summarized

if TYPE_CHECKING:
    import pandas as pd


class LeftOut(NamedTuple):
    """A session, or an animal, under the fit to all others.

    Attributes:
        name: `animal/session`, or the animal.
        animal: whose it is.
        n_choices: how many choices are scored.
        log_likelihood: of these, in nats; NaN of a fit to signals alone.
        squared_error: sum over trials of each signal, in its squared unit.
        n_signal: how many values of each signal are scored.
    """

    name: str
    animal: str
    n_choices: int
    log_likelihood: float
    squared_error: tuple[float, ...]
    n_signal: tuple[int, ...]


@summarized
@dataclasses.dataclass(frozen=True)
class LeaveOneOut:
    """A cognitive model on every session, or animal, that it was not fitted to.

    Attributes:
        unit: "session" or "animal": what was left out at a time.
        level: "pooled", "separate" or "hierarchical".
        target: what was fitted.
        signals: their names.
        rows: of each session, or animal, in order.
    """

    unit: str
    level: str
    target: str
    signals: tuple[str, ...]
    rows: tuple[LeftOut, ...]

    @property
    def log_likelihood(self) -> float:
        """Of all choices, each under the fit that did not see it; in nats."""
        return float(sum(row.log_likelihood for row in self.rows))

    @property
    def n_choices(self) -> int:
        """How many choices are scored."""
        return sum(row.n_choices for row in self.rows)

    @property
    def normalized_likelihood(self) -> float:
        """exp(log likelihood / number of choices)."""
        return float(np.exp(self.log_likelihood / self.n_choices))

    def mean_squared_error(self, signal: str) -> float:
        """Of all values of a signal, each under the fit that did not see it.

        Args:
            signal: its name.

        Returns:
            Mean squared error in the signal's squared unit; NaN where no value is scored.

        Raises:
            ConfigError: there is no such signal.
        """
        if signal not in self.signals:
            there = listed(self.signals) if self.signals else "none"
            raise ConfigError(f"There is no signal {signal!r} here; the signals are: {there}.")
        at = self.signals.index(signal)
        n = sum(row.n_signal[at] for row in self.rows)
        return sum(row.squared_error[at] for row in self.rows) / n if n else float("nan")

    def to_frame(self) -> pd.DataFrame:
        """One row for each session, or animal.

        Returns:
            A table with columns left_out, animal, n_choices, log_likelihood, normalized_likelihood,
            and mse[s] of each signal s (NaN where it was not measured).
        """
        import pandas as pd

        rows = []
        for row in self.rows:
            errors = zip(self.signals, row.squared_error, row.n_signal, strict=True)
            rows.append({
                "left_out": row.name, "animal": row.animal, "n_choices": row.n_choices,
                "log_likelihood": row.log_likelihood,
                "normalized_likelihood": float(np.exp(row.log_likelihood / row.n_choices)),
                **{f"mse[{s}]": e / n if n else float("nan") for s, e, n in errors},
            })  # fmt: skip
        return pd.DataFrame(rows)

    def as_dict(self) -> dict[str, Any]:
        """The sums, for JSON."""
        found: dict[str, Any] = {"level": self.level, "n": len(self.rows)}
        if self.target != "signal":
            found |= {
                "n_choices": self.n_choices, "log_likelihood": self.log_likelihood,
                "normalized_likelihood": self.normalized_likelihood,
            }  # fmt: skip
        return found | {"mse": {s: self.mean_squared_error(s) for s in self.signals}}

    def _summary(self) -> Summary:
        title = (
            f"{counted(len(self.rows), self.unit)}, each left out of a {self.level} fit to "
            f"{self.target}"
        )
        facts = []
        if self.target != "signal":
            facts = [
                (
                    "log likelihood",
                    f"{self.log_likelihood:,.2f} nats of {self.n_choices:,} choices",
                ),
                ("normalized likelihood", f"{self.normalized_likelihood:.4f}"),
            ]
        facts += [(f"{s} MSE", f"{self.mean_squared_error(s):.4g}") for s in self.signals]
        return Summary(title, facts)
