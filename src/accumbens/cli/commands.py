"""The list of commands: a new one is a file with its class, and an entry here."""

from __future__ import annotations

import abc
import dataclasses
import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from ..errors import ConfigError

if TYPE_CHECKING:
    from ..run.options import Place
    from .output import Output


@dataclasses.dataclass(frozen=True)
class Command(abc.ABC):
    """What every command has: its options are the fields, its help the docstrings.

    first: names of the options that matter most, in the order of the help.
    words: what the help means by its words, for who meets them first: a word and a sentence each.
    examples: shown at the end of the help. compiles: whether JAX has much to compile for it.
    """

    first: ClassVar[tuple[str, ...]] = ()
    words: ClassVar[dict[str, str]] = {}
    examples: ClassVar[str] = ""
    compiles: ClassVar[bool] = False

    threads: int | None = dataclasses.field(default=None, kw_only=True)
    """How many threads may compute at a time; by default one for each core that this process may
    use (its affinity, its container, SLURM)."""

    def __post_init__(self) -> None:
        if self.threads is not None and self.threads < 1:
            raise ConfigError(f"threads is {self.threads}; it must be at least 1.")

    @classmethod
    def defaults(cls, values: Mapping[Place, Any]) -> dict[Place, Any]:
        """Options that something else than this class gives, unless the user does, by their place.

        values: those that the user gave.
        """
        del values
        return {}

    @abc.abstractmethod
    def run(self, out: Output) -> None:
        """Does it, and says what came of it."""

    def interrupted(self) -> str:
        """What to tell who stopped it: what is kept, and how to go on."""
        return "Nothing was written. Run the same command again."


class Entry(NamedTuple):
    """A command in the list.

    place: of its class, `module:Class` in `cli`. about: one line.
    """

    name: str
    place: str
    about: str

    @property
    def command(self) -> type[Command]:
        """The class, imported when it is asked for."""
        module, _, name = self.place.partition(":")
        return getattr(importlib.import_module(f".{module}", __package__), name)


COMMANDS: tuple[Entry, ...] = (
    Entry("fit", "fit:FitCommand", "Fit and compare models of choices and neural signals."),
    Entry("sweep", "sweep:SweepCommand", "Fit many times, varying options; survive and resume."),
    Entry("predict", "predict:PredictCommand", "Predict new sessions by the models of a fit."),
    Entry("show", "show:ShowCommand", "Print what a run found."),
    Entry("runs", "runs:RunsCommand", "All runs below a folder, and what differs between them."),
    Entry("compare", "compare:CompareCommand", "Are runs better than the first, trial for trial?"),
    Entry("report", "report:ReportCommand", "One page with all that a run found, to send."),
    Entry("figures", "figures:FiguresCommand", "A paper's figures from your data, for print."),
    Entry("crate", "crate:CrateCommand", "Export a run with its provenance, as an RO-Crate."),
    Entry("watch", "watch:WatchCommand", "Follow a running fit or sweep in the browser."),
    Entry("card", "card:CardCommand", "What many fits agree on, in names and equations."),
    Entry("credit", "credit:CreditCommand", "Which rewards does the animal credit to its choices?"),
    Entry("power", "power:PowerCommand", "How many mice and sessions detect structured credit?"),
    Entry("selectivity", "selectivity:SelectivityCommand", "What does each unit respond to?"),
    Entry("inspect", "inspect:InspectCommand", "List what a file holds."),
    Entry("convert", "convert:ConvertCommand", "Turn recordings into one trial table."),
    Entry("simulate", "simulate:SimulateCommand", "Simulate an agent or a fitted model in a task."),
    Entry("demo", "demo:DemoCommand", "The whole way from simulated data to figures."),
)
"""All commands, in the order of the help."""
