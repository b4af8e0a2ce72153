"""`accumbens power`: how many mice and sessions detect structured credit?"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from ..credit.config import PowerConfig
from ..errors import ConfigError
from ..run.credit.config import PilotFormat
from ..run.options import ROOT
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    import pandas as pd


ANSWERS = " (in these animals / in animals like these)"


@dataclasses.dataclass(frozen=True)
class PowerCommand(Command):
    """How many mice and sessions does it take to detect structured credit? Simulates experiments
    with the distractor-rewards task and tests each; prints a table, writes it and a figure."""

    first: ClassVar = (
        "weight", "mice", "sessions", "trials", "experiments", "resamples", "wanted", "out", "seed",
    )  # fmt: skip
    examples: ClassVar = """
accumbens power --weight 0.2 0.4 --mice 4 8 16 --sessions 2 4
accumbens power --habit 1.5 --session-bias 1 --misses 0.15
accumbens power --reversals "after 10 controllable of the last 15" --high 0.9 --low 0.1
accumbens power --from pilot.csv --mice 6 12 --sessions 4 8
"""

    options: Annotated[PowerConfig, ROOT] = dataclasses.field(default_factory=PowerConfig)
    """Animals and tests."""
    wanted: float = 0.8
    """The power that is wanted."""
    high: float = 0.8
    """Probability of the controllable reward after the better choice."""
    low: float = 0.2
    """Probability of the controllable reward after the other choice."""
    block_length: tuple[int, int] = (20, 60)
    """Shortest and longest block, in trials."""
    hazard: float | None = None
    """Probability of a reversal per trial, instead of blocks."""
    reversals: str | None = None
    """A rule by which choices or rewards reverse the sides, instead of blocks, such as "after 10
    controllable of the last 15" (see credit --reversals); rewards are then redrawn by it."""
    distractor: float = 0.5
    """Probability of the distractor."""
    from_: Path | None = None
    """Pilot table with one row a trial: mice are drawn like its animals, from agents fitted to them
    (weight, learning rate, inverse temperature, habit, bias, misses, and how animals differ)."""
    pilot: PilotFormat = dataclasses.field(default_factory=PilotFormat)
    """Columns of the pilot table."""
    out: Path = Path("runs/power")
    """Folder to make, for the table and the figure."""

    def run(self, out: Output) -> None:
        import jax
        from matplotlib.figure import Figure

        from ..credit.power import credit_power
        from ..credit.reversals.rules import reversals_from_text
        from ..figures.credit.power_curves import draw_power_curves, power_curves_data
        from ..figures.save import save_figure
        from ..files import make_folder
        from ..run.credit.pilot import read_pilot
        from ..summary import counted
        from ..tasks.bandits import ReversalBandit
        from ..tasks.distractor import DistractorRewards
        from .printing import shown_progress
        from .reversals import TWO_WAYS, earned

        if not 0 < self.wanted < 1:
            raise ConfigError(f"wanted is {self.wanted}; a power lies between 0 and 1.")
        bandit, rule = ReversalBandit(self.high, self.low, self.block_length, self.hazard), None
        if self.reversals is not None:
            if self.hazard is not None or self.block_length != PowerCommand.block_length:
                raise ConfigError(TWO_WAYS)
            rule = reversals_from_text(self.reversals, DistractorRewards().outcome_names)
            bandit = earned(rule, self.high, self.low)
            out.say(f"Sides reverse {rule}, and rewards are redrawn by that rule.")
        task = DistractorRewards(bandit, self.distractor)
        pilot = None
        if self.from_ is not None:
            key_of_pilot = jax.random.fold_in(jax.random.key(self.options.seed), 1)
            pilot = read_pilot(self.from_, self.pilot, key=key_of_pilot)
            for note in pilot.notes:
                out.warn(note)
            out.say(pilot.in_words)
        make_folder(self.out)
        with shown_progress() as progress:
            key = jax.random.key(self.options.seed)
            table = credit_power(
                task, self.options, key=key, progress=progress, pilot=pilot, reversals=rule
            )
        caption = "" if pilot is None else f"Mice like those of a pilot of {pilot.animals}. "
        caption += "" if rule is None else f"Sides reverse {rule}. "
        caption += (
            f"{counted(self.options.experiments, 'simulated experiment')} each, "
            f"{counted(self.options.trials, 'trial')} a session, one-sided at "
            f"{self.options.alpha:g}; {counted(self.options.resamples, 'resample')}."
        )
        data = power_curves_data(table, self.wanted, caption)
        figure = Figure()
        draw_power_curves(data, figure)
        png = save_figure(figure, self.out / "power", data)
        print_power(out, table, self.wanted)
        out.paths(figure=png, table=self.out / "power.csv")


def print_saved_power(out: Output, folder: Path) -> None:
    """The powers that an earlier command left in `folder`."""
    from ..run.stored import load_power

    table = load_power(folder)
    print_power(out, table, float(table["wanted"].iloc[0]))
    out.paths(figure=folder / "power.png", table=folder / "power.csv")


def print_power(out: Output, table: pd.DataFrame, wanted: float) -> None:
    """A table a test; bold where the wanted power is reached."""
    for test in table["test"].unique():
        _print_power(out, table.query("test == @test"), test, wanted)


def _print_power(out: Output, rows: pd.DataFrame, test: str, wanted: float) -> None:
    """Power by number of mice (down) and sessions of each (across); bold where it is enough."""
    from ..summary import counted

    sessions = sorted(rows["sessions"].unique())
    headings = ["weight", "mice", *(counted(int(n), "session") for n in sessions)]
    cells, enough = [], []
    both = "power_like_these" in rows  # tables of 0.1.0 have none
    for weight, mice in rows[["weight", "mice"]].drop_duplicates().itertuples(index=False):
        here = rows[(rows["weight"] == weight) & (rows["mice"] == mice)].set_index("sessions")
        powers = [float(here.loc[n, "power"]) for n in sessions]
        enough += [(len(cells), 2 + i) for i, power in enumerate(powers) if power >= wanted]
        like = [float(here.loc[n, "power_like_these"]) if both else math.nan for n in sessions]
        words = [
            f"{p:.2f}" if math.isnan(q) else f"{p:.2f} / {q:.2f}"
            for p, q in zip(powers, like, strict=True)
        ]
        cells.append([f"{weight:g}", str(mice), *words])
    numbers = range(len(headings))
    out.table(
        headings,
        cells,
        title=f"Power: {test}{ANSWERS if both else ''}",
        numbers=numbers,
        bold=enough,
    )
