"""`accumbens fit`: models of choices and neural signals, from a table to a run folder."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Annotated, ClassVar

from ..errors import ConfigError
from ..run.distributed import DistributedConfig, together
from ..run.fit.config import FitConfig
from ..run.options import FLAT, POSITIONAL, ROOT
from .commands import Command
from .output import Output


@dataclasses.dataclass(frozen=True)
class FitCommand(Command):
    """Fit and compare models of choices, and of neural signals such as dopamine, on a table with
    one row a trial. Some sessions are held out; the models are compared on these."""

    compiles: ClassVar = True
    first: ClassVar = (
        "choice", "outcome", "signal", "subject", "session", "models", "split.every", "out", "seed",
    )  # fmt: skip
    words: ClassVar = {
        "session": "One sitting of one subject. Every model starts anew in each.",
        "outcome": "What the choice led to in a trial, such as a reward: one number.",
        "signal": "What was measured in a trial, such as dopamine at the outcome: one number.",
        "held out": "Not fitted, but predicted afterwards: this shows what a model has understood.",
        "fold": "One of equal parts of the sessions. Each is held out once.",
        "disRNN": "Disentangled recurrent neural network: small networks that learn how a few "
        "latents follow from choices and outcomes, and predict the next choice and the signals.",
        "latent": "A number that a model carries from trial to trial, such as a value.",
        "bottleneck": "Noise on a number that enters a network of the disRNN or is remembered by "
        "it. Training opens only those (little noise) that predictions need; the others close.",
        "penalty": "What an open bottleneck adds to the loss. The larger, the fewer stay open.",
        "loss": "What training makes small: the negative log-likelihood of the choices in nats "
        "(natural logarithms), the squared errors of the signals, and the penalties.",
        "gradient step": "One change of all weights, to lower the loss on the training sessions.",
        "learning rate": "How far a gradient step moves the weights.",
        "subject embedding": "A few fitted numbers for each subject, by which subjects may differ.",
        "GRU": "Gated recurrent unit: a common network without bottlenecks. It predicts well, and "
        "is hard to read.",
        "cognitive model": "A model with a few parameters that have names, such as q_learning.",
        "dfq_choice": "Q-learning in which values of the choices not made decay at a rate of their "
        "own (DFQ), fitted to the choices; dfq_signal: the same, fitted to the signal.",
        "naive": "Baseline without memory: choices at chance, the signal's mean for each outcome.",
        "resample": "Held-out sessions, or animals with theirs, drawn at random, each any number "
        "of times. How much the scores differ between resamples gives their intervals.",
    }
    examples: ClassVar = """
accumbens fit trials.csv --signal dopamine
accumbens fit trials.parquet --choice side --outcome water --models disrnn dfq_choice
accumbens fit trials.csv --path.factors 0.3 1 3 --out runs/penalties
accumbens fit trials.csv --config runs/penalties/config.toml --seed 1
accumbens fit mice/*.csv --name '{subject}_{session}' --out runs/mice
accumbens fit trials.csv --models dfq_choice belief --leave-out animal
accumbens fit --resume runs/penalties
accumbens fit trials.parquet --distributed
"""

    table: Annotated[tuple[Path, ...], POSITIONAL] = ()
    """Trial table: CSV, TSV, Parquet, Excel or MATLAB; several of them, or a folder, are joined."""
    out: Path | None = None
    """Run folder to make; by default runs/<name of the table>."""
    name: str | None = None
    """What the names of the files say, with columns in braces: '{subject}_{session}'."""
    resume: Path | None = None
    """Finish the interrupted run in this folder, with its own table and options; give it alone."""
    several: Annotated[DistributedConfig, FLAT] = dataclasses.field(
        default_factory=DistributedConfig
    )
    """Several processes."""
    options: Annotated[FitConfig, ROOT] = dataclasses.field(default_factory=FitConfig)
    """Comparison, and fits from several starts."""

    @property
    def folder(self) -> Path:
        """The run folder."""
        if self.resume is not None:
            return self.resume
        if not self.table:
            raise ConfigError("Name a table to fit: accumbens fit TABLE --signal COLUMN")
        return self.out or Path("runs") / self.table[0].resolve().name.split(".")[0]

    def run(self, out: Output) -> None:
        if self.resume is not None and (self.table or self.out is not None):
            raise ConfigError("--resume takes table and options from the run: name it alone.")
        folder = self.folder
        if self.several.distributed and self.resume is None and "disrnn" not in self.options.models:
            raise ConfigError(
                "--distributed divides the training of disRNNs, and disrnn is not among the "
                "models. Leave it out."
            )
        with together(self.several) as crew:
            from ..run.fit.pipeline import resume_fit
            from ..run.fit.several import run_fit_of_tables
            from .printing import print_run, shown_progress

            with shown_progress() as progress:
                if self.resume is not None:
                    run = resume_fit(folder, progress)
                else:
                    run = run_fit_of_tables(
                        self.table, self.options, folder, progress, name=self.name
                    )
            print_run(out, run)
        if self.several.distributed and (crew is None or not crew.calls):
            out.warn(NOTHING_DIVIDED)

    def interrupted(self) -> str:
        return how_to_resume(self.folder)


NOTHING_DIVIDED = (
    "One process did all the work. What is divided: fits with penalties that you give, and the fit "
    "to all sessions of a table so large that penalties are chosen inside a part of it."
)


def how_to_resume(folder: Path) -> str:
    """What to tell who stopped a fit into this folder."""
    from shlex import quote

    if (folder / "metrics.json").is_file():
        return f"The run is finished: accumbens show {quote(str(folder))}"
    if (folder / "config.toml").is_file():
        return f"What was reached is kept. Go on: accumbens fit --resume {quote(str(folder))}"
    return "Nothing was fitted yet. Run the same command again."
