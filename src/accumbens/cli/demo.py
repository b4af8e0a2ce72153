"""`accumbens demo`: the synthetic data set of the paper, through the main job."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from ..errors import ConfigError
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    from ..models.q_learning import QLearning
    from ..run.fit.config import FitConfig
    from ..trials import Trials


@dataclasses.dataclass(frozen=True)
class DemoCommand(Command):
    """The main job on simulated data: Q-learning in a drifting bandit, whose dopamine is its reward
    prediction error, is fitted, compared and drawn. Takes a minute or two."""

    compiles: ClassVar = True
    examples: ClassVar = """
accumbens demo
accumbens show demo/run
"""

    out: Path = Path("demo")
    """Folder to make, for the table and the run."""
    replace: bool = False
    """Replace an earlier demonstration in that folder; anything else there stays, with an error."""
    seed: int = 0
    """Seed of the simulation and of the fit."""

    def run(self, out: Output) -> None:
        from ..io.tables.trials import to_table, write_table
        from ..run.fit.pipeline import run_fit
        from .printing import print_run, shown_progress

        table, folder = self.out / "trials.parquet", self.out / "run"
        remove_demonstration(folder, table, self.seed, replace=self.replace)
        write_table(to_table(demo_trials(self.seed)), table)
        out.say(f"Simulated 100 sessions of 100 trials: {table}")
        with shown_progress() as progress:
            run = run_fit(table, demo_config(self.seed), folder, progress)
        print_run(out, run)

    def interrupted(self) -> str:
        from .fit import how_to_resume

        return how_to_resume(self.out / "run")


def demo_config(seed: int) -> FitConfig:
    """The options of the demonstration: columns and models, as a user would give them."""
    from ..io.tables.format import TableFormat
    from ..run.fit.config import FitConfig

    return FitConfig(
        table=TableFormat(signal=("dopamine",)),
        models=("disrnn", "dfq_choice", "dfq_signal", "q_learning", "naive"),
        seed=seed,
    )


def demo_agent() -> QLearning:
    """Q-learning whose dopamine is its reward prediction error."""
    from ..models.q_learning import QLearning

    return QLearning(learning_rate=0.3, inverse_temperature=3.0, gain=1.0, offset=0.0)


def demo_trials(seed: int) -> Trials:
    """100 sessions of 100 trials of `demo_agent` on a bandit that drifts by 0.1 a trial."""
    import jax

    from ..simulation import simulate
    from ..tasks.bandits import DriftingBandit

    key = jax.random.key(seed)
    return simulate(demo_agent(), DriftingBandit(drift=0.1), n_sessions=100, n_trials=100, key=key)


def remove_demonstration(folder: Path, table: Path, seed: int, *, replace: bool) -> None:
    """Deletes the run of an earlier demonstration, which its options and its table's place tell.

    seed: of the new one, by which a table without a run is known. Raises ConfigError for anything
    else that is there, and where it is not to be replaced.
    """
    from ..errors import AccumbensError
    from ..files import check_free

    for path in (table, folder):
        check_free(path, replace=replace)
    try:
        ours = _is_demonstration(folder, table, seed)
    except (AccumbensError, OSError):
        ours = False
    if not ours:
        raise ConfigError(
            f"{folder.parent} holds a table or run that is no demonstration: name another --out, "
            "or delete it yourself."
        )
    if folder.exists():
        shutil.rmtree(folder)


def _is_demonstration(folder: Path, table: Path, seed: int) -> bool:
    """Whether what is there, if anything, is what this command writes."""
    from ..io.tables.trials import from_table, to_table
    from ..run.fit.config import FitConfig
    from ..run.fit.folder import RunFolder
    from ..run.provenance import fingerprint
    from ..run.toml import read_toml

    if folder.exists():
        run = RunFolder(folder)
        config = read_toml(FitConfig, run.config)
        here = run.about().get("table") == str(table.resolve())
        return here and config == demo_config(config.seed)
    if table.exists():  # stopped before its fit began
        format = demo_config(seed).table
        new = from_table(to_table(demo_trials(seed)), format)
        return fingerprint(from_table(table, format)) == fingerprint(new)
    return True
