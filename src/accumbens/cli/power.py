"""`accumbens power`: how many mice and sessions detect structured credit?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated

import jax
import tyro
from rich.console import Console
from rich.table import Table

from ..credit.power import PowerConfig, credit_power
from ..errors import ConfigError
from ..tasks.bandits import ReversalBandit
from ..tasks.distractor import DistractorRewards


@dataclasses.dataclass(frozen=True)
class PowerCommand:
    """How many mice and sessions does it take to detect structured credit? Simulates experiments
    with the distractor-rewards task and tests each; prints a table, writes it and a figure."""

    options: Annotated[PowerConfig, tyro.conf.arg(name="")] = dataclasses.field(
        default_factory=PowerConfig
    )
    wanted: float = 0.8
    """The power that is wanted."""
    high: float = 0.8
    """Probability of the controllable reward after the better choice."""
    low: float = 0.2
    """The same after the other choice."""
    block_length: tuple[int, int] = (20, 60)
    """Shortest and longest block, in trials."""
    hazard: float | None = None
    """Probability of a reversal per trial, instead of blocks."""
    distractor: float = 0.5
    """Probability of the distractor."""
    out: Path = Path("runs/power")
    """Folder to create, for the table and the figure."""

    def run(self, console: Console) -> None:
        from matplotlib.figure import Figure

        from ..figures.credit.power_curves import draw_power_curves, power_curves_data
        from ..figures.save import save_figure
        from .printing import shown_progress

        if not 0 < self.wanted < 1:
            raise ConfigError(f"wanted is {self.wanted}; a power lies between 0 and 1.")
        bandit = ReversalBandit(self.high, self.low, self.block_length, self.hazard)
        task = DistractorRewards(bandit, self.distractor)
        with shown_progress() as progress:
            key = jax.random.key(self.options.seed)
            table = credit_power(task, self.options, key=key, progress=progress)
        caption = (
            f"{self.options.experiments} simulated experiments each, {self.options.trials} trials "
            f"a session, one-sided at {self.options.alpha:g}; {self.options.resamples} resamples."
        )
        data = power_curves_data(table, self.wanted, caption)
        figure = Figure()
        draw_power_curves(data, figure)
        self.out.mkdir(parents=True, exist_ok=True)
        png = save_figure(figure, self.out / "power", data)
        for test in table["test"].unique():
            console.print(_table(table[table["test"] == test], test, self.wanted))
        console.print(f"\nFigure: {png}\nTable:  {self.out / 'power.csv'}")


def _table(rows, test: str, wanted: float) -> Table:
    """Power by number of mice (down) and sessions of each (across); bold where it is enough."""
    sessions = sorted(rows["sessions"].unique())
    table = Table(title=f"Power: {test}")
    for heading in ("weight", "mice", *(f"{n} sessions" for n in sessions)):
        table.add_column(heading, justify="right")
    for weight, mice in rows[["weight", "mice"]].drop_duplicates().itertuples(index=False):
        here = rows[(rows["weight"] == weight) & (rows["mice"] == mice)].set_index("sessions")
        cells = [f"{here.loc[n, 'power']:.2f}" for n in sessions]
        marked = [
            f"[bold]{cell}[/]" if here.loc[n, "power"] >= wanted else cell
            for n, cell in zip(sessions, cells, strict=True)
        ]
        table.add_row(f"{weight:g}", str(mice), *marked)
    return table
