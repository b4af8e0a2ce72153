"""`accumbens simulate`: an agent, or the model of a run, in a task; the sessions as a table."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from ..errors import ConfigError
from ..models.catalogue import ModelEntry, agents, find_agent, find_name
from ..run.options import POSITIONAL, Names
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    from jaxtyping import PRNGKeyArray

    from ..models.base import Model
    from ..tasks.base import Task
    from ..trials import Trials

AGENTS = Names(agents, "AGENT")


@dataclasses.dataclass(frozen=True)
class SimulateCommand(Command):
    """Simulate an agent, or the model of a finished run, in a bandit task; writes a trial table."""

    compiles: ClassVar = True
    first: ClassVar = (
        "agent", "set", "run-folder", "model", "task", "subjects", "sessions", "trials", "seed",
    )  # fmt: skip
    examples: ClassVar = """
accumbens simulate trials.csv --agent q_learning --set learning_rate=0.5 --sessions 20
accumbens simulate cohort.parquet --agent structure_mixture --task distractor --subjects 12
accumbens simulate again.csv --run-folder runs/trials --model disrnn
"""

    out: Annotated[Path, POSITIONAL]
    """Table to write: CSV, TSV or Parquet."""
    replace: bool = False
    """Replace a table of that name."""
    agent: Annotated[str, AGENTS] = "q_learning"
    """Who chooses; its dopamine is its reward prediction error."""
    set: tuple[str, ...] = ()
    """Parameters of the agent, each as name=value, such as learning_rate=0.3."""
    run_folder: Path | None = None
    """Simulate the model of this run instead of an agent."""
    model: str = "disrnn"
    """Name of the model of the run (with run-folder)."""
    task: Literal["drifting", "reversal", "distractor"] = "drifting"
    """Drifting reward probabilities; probabilistic reversals in blocks; or reversals of a
    controllable reward beside a distractor that comes whatever the choice."""
    drift: float = 0.1
    """Drifting: standard deviation of each arm's step per trial."""
    high: float | None = None
    """Reversal, distractor: reward probability of the better arm; default 0.9, distractor 0.8."""
    low: float | None = None
    """Reversal, distractor: reward probability of the other arm; default 0.1, distractor 0.2."""
    block_length: tuple[int, int] | None = None
    """Reversal, distractor: shortest and longest block, in trials; default 15 to 30, distractor
    20 to 60."""
    hazard: float | None = None
    """Reversal, distractor: probability of a reversal per trial, instead of blocks."""
    reversals: str | None = None
    """Reversal, distractor: a rule by which choices or rewards reverse the sides, instead of
    blocks, such as "after 10 controllable of the last 15" (see credit --reversals)."""
    distractor: float = 0.5
    """Distractor: probability of the distractor reward."""
    subjects: int | None = None
    """Number of subjects, sessions shared among them; default 1, distractor 12."""
    spread: float | None = None
    """SD between subjects of each parameter on its unconstrained scale (logit between two bounds,
    log above one); default 0.3 for several subjects, 0 (all alike) for one or with run-folder. The
    parameters drawn are written beside the table, as <table>.parameters.csv."""
    sessions: int | None = None
    """Number of sessions of all subjects together; default 100, distractor 198."""
    trials: int | None = None
    """Trials in each session; default 100, distractor 500."""
    signal_noise: float = 0.0
    """Standard deviation of noise added to the signal, in its unit."""
    seed: int = 0
    """Seed: the same seed gives the same table."""

    def run(self, out: Output) -> None:
        import jax

        from ..cohort import shared_out, simulate_cohort
        from ..files import check_free
        from ..io.tables.trials import to_table, write_table
        from ..simulation import simulate
        from ..summary import counted

        check_free(self.out, replace=self.replace)
        cohort = self.task == "distractor"
        n_subjects = self.subjects if self.subjects is not None else (12 if cohort else 1)
        n_sessions = self.sessions if self.sessions is not None else (198 if cohort else 100)
        n_trials = self.trials if self.trials is not None else (500 if cohort else 100)
        spread = self._spread(n_subjects)
        counts = shared_out(n_sessions, n_subjects)
        key = jax.random.key(self.seed)
        k_agents, k_sessions = jax.random.split(key)
        agents = self._agents(n_subjects, spread, k_agents)
        options = {"n_trials": n_trials, "signal_noise": self.signal_noise}
        if n_subjects == 1 and spread == 0:
            trials = simulate(agents[0], self._task(), n_sessions=n_sessions, key=key, **options)
        else:
            trials = simulate_cohort(
                agents, self._task(), n_sessions=counts, key=k_sessions, **options
            )
        write_table(to_table(trials), self.out)
        shares = ", ".join(
            f"{share:.1%} {name}"
            for name, share in zip(
                trials.names.outcomes, trials.outcome[trials.valid].mean(0), strict=True
            )
        )
        of = "" if n_subjects == 1 else f"{counted(n_subjects, 'subject')}, "
        of += f"{counted(n_sessions, 'session')} of {counted(n_trials, 'trial')}"
        out.say(f"{self.out}: {of}; after a choice: {shares}.")
        if spread > 0:
            out.say(f"Parameters of each subject: {self._write_parameters(trials, agents)}")

    def _task(self) -> Task:
        from ..credit.reversals.rules import reversals_from_text
        from ..tasks.bandits import DriftingBandit, ReversalBandit
        from ..tasks.distractor import DistractorRewards
        from .reversals import TWO_WAYS, earned

        if self.task == "drifting":
            if self.reversals is not None:
                raise ConfigError(
                    "--reversals is of tasks that reverse: use --task reversal or distractor."
                )
            return DriftingBandit(drift=self.drift)
        cohort = self.task == "distractor"
        high = self.high if self.high is not None else (0.8 if cohort else 0.9)
        low = self.low if self.low is not None else (0.2 if cohort else 0.1)
        if self.reversals is not None:
            if self.block_length is not None or self.hazard is not None:
                raise ConfigError(TWO_WAYS)
            names = ("controllable", "distractor") if cohort else ("reward",)
            reversals = earned(reversals_from_text(self.reversals, names), high, low)
        else:
            blocks = self.block_length or ((20, 60) if cohort else (15, 30))
            reversals = ReversalBandit(high, low, blocks, self.hazard)
        return DistractorRewards(reversals, self.distractor) if cohort else reversals

    def _spread(self, n_subjects: int) -> float:
        if self.spread is None:
            return 0.3 if n_subjects > 1 and self.run_folder is None else 0.0
        if self.spread and self.run_folder is not None:
            raise ConfigError("--spread varies the parameters of an agent: leave out --run-folder.")
        return self.spread

    def _agents(self, n_subjects: int, spread: float, key: PRNGKeyArray) -> tuple[Model, ...]:
        from ..cohort import draw_agents

        if self.run_folder is not None:
            from ..models.by_subject import BySubject
            from ..run.fit.folder import load_run

            run = load_run(self.run_folder)
            name = find_name(self.model, run.model_names) or self.model
            model = run.model(name)
            if isinstance(model, BySubject) and model.subjects:  # one: the group's medians
                first = model.n_subjects if n_subjects == 1 else 0
                return tuple(model.of(first + i) for i in range(n_subjects))
            return (model,) * n_subjects
        medians = self._medians()
        kind = find_agent(self.agent).model_class
        return draw_agents(kind, medians, n_subjects, spread, key=key, gain=1.0, offset=0.0)

    def _medians(self) -> dict[str, float | Sequence[float]]:
        """The agent's parameters: those of the catalogue, but for those that the user sets."""
        import numpy as np

        entry = find_agent(self.agent)
        if entry.task == "distractor" and self.task != "distractor":
            raise ConfigError(
                f"{entry.name} learns from two rewards, and the {self.task} task has one: use "
                "--task distractor."
            )
        medians = dict(entry.example or {})
        for name, value in (_parameter(text, entry) for text in self.set):
            medians[name] = np.full(np.shape(medians.get(name, 0.0)), value).tolist()
        return medians

    def _write_parameters(self, trials: Trials, agents: tuple[Model, ...]) -> Path:
        import numpy as np
        import pandas as pd

        from ..io.tables.trials import write_table

        rows = [
            {"subject": subject}
            | {name: np.asarray(getattr(agent, name)).item() for name in self._medians()}
            for subject, agent in zip(trials.names.subjects, agents, strict=True)
        ]
        path = self.out.with_name(f"{self.out.name.split('.')[0]}.parameters.csv")
        write_table(pd.DataFrame(rows), path)
        return path


def _parameter(text: str, entry: ModelEntry) -> tuple[str, float]:
    name, separator, value = text.partition("=")
    name = name.replace("-", "_")
    known = entry.model_class.parameters
    if not separator or name not in known:
        raise ConfigError(
            f"--set {text}: the parameters of {entry.name} are {', '.join(known)}; write "
            "name=value."
        )
    try:
        number = float(value)
    except ValueError:
        raise ConfigError(f"--set {text}: {value!r} is not a number.") from None
    low, high = known[name].low, known[name].high
    if not low <= number <= high:
        raise ConfigError(f"--set {text}: {name} must lie between {low:g} and {high:g}.")
    return name, number
