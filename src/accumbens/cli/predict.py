"""`accumbens predict`: new sessions, predicted and scored by the models of a finished fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ..run.fit.config import FitConfig
from ..run.options import POSITIONAL, ROOT, Place, options_of
from ..run.predict.config import PredictConfig
from ..run.toml import read_toml
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class PredictCommand(Command):
    """Predict and score sessions that a finished fit has not seen, by all its models. Known
    subjects are recognised by name; columns are called as in the run unless you say otherwise."""

    compiles: ClassVar = True
    first: ClassVar = ("out", "models", "fit-sessions", "describe", "choice", "outcome", "signal")
    words: ClassVar = {
        "describe": "A network may have a few numbers for each subject. Those of a new subject are "
        "fitted to its first sessions, with everything else in the network held. So are the "
        "parameters of a hierarchical model, under the mean and spread of the run's group.",
    }
    examples: ClassVar = """
accumbens predict runs/trials later.csv
accumbens predict runs/trials other_mice.parquet --fit-sessions 2 --out runs/other_mice
"""

    folder: Annotated[Path, POSITIONAL]
    """Run folder of a finished fit."""
    table: Annotated[Path, POSITIONAL]
    """Trial table with new sessions: CSV, TSV, Parquet, Excel or MATLAB."""
    out: Path | None = None
    """Folder to make; by default runs/<name of the table>-predicted."""
    options: Annotated[PredictConfig, ROOT] = dataclasses.field(default_factory=PredictConfig)
    """Bootstrap."""

    @classmethod
    def defaults(cls, values: Mapping[Place, Any]) -> dict[Place, Any]:
        """The options of the run."""
        config = Path(values.get(("folder",), "")) / "config.toml"
        if ("folder",) not in values or not config.is_file():
            return {}
        from ..run.fit.folder import RunFolder

        RunFolder(values["folder",]).about()  # no other kind of result
        own = PredictConfig.of_run(read_toml(FitConfig, config))
        found: dict[Place, Any] = {}
        for option in options_of(PredictConfig):
            value: Any = own
            for name in option.place:
                value = getattr(value, name)
            found["options", *option.place] = value
        return found

    def run(self, out: Output) -> None:
        from ..run.predict.analysis import run_predict
        from .printing import shown_progress

        folder = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-predicted"
        with shown_progress() as progress:
            run_predict(self.folder, self.table, self.options, folder, progress)
        print_saved_predictions(out, folder)


def print_saved_predictions(out: Output, folder: Path) -> None:
    """The scores that `accumbens predict` left in `folder`, warnings first."""
    from ..run.stored import load_analysis
    from ..scoring.scored import which_trials
    from ..summary import counted
    from .scores import print_scores

    found = load_analysis(folder)
    data = found.metrics["data"]
    for warning in found.metrics["warnings"]:
        out.alarm(warning)
    out.say(
        "",
        f"{counted(data['subjects'], 'subject')}, {counted(data['sessions'], 'session')}, "
        f"{counted(data['trials'], 'trial')}; {counted(data['sessions_scored'], 'session')} "
        f"scored, with the models of {found.about['run']}.",
    )
    print_scores(out, found.metrics, "Scored sessions", data["sessions_scored"])
    if any(model["signal"] for model in found.metrics["models"].values()):
        out.say(f"Signals are {data['signal_scale']}.")
    out.say(which_trials(data["choices_scored"], data["scored_trials_hash"]))
    if "sessions_seen" in found.tables:
        print_sessions_seen(out, found.table("sessions_seen"))
    places = {"folder": folder, "figures": folder / "figures"}
    out.paths(**{name: path for name, path in places.items() if path.is_dir()})


def print_sessions_seen(out: Output, table: pd.DataFrame) -> None:
    """Likelihoods of new subjects by the number of sessions that describe them, a row a model."""
    from ..models.catalogue import label_of

    values: dict[str, dict[int, float]] = {}
    for row in table.to_dict("records"):
        if row["metric"] == "normalized_likelihood":
            values.setdefault(str(row["model"]), {})[int(row["sessions_seen"])] = row["value"]
    tried = list(next(iter(values.values()), {}))
    rows = [[label_of(name), *(f"{x:.4f}" for x in of.values())] for name, of in values.items()]
    out.table(
        ["sessions seen:", *map(str, tried)], rows, numbers=range(1, len(tried) + 1),
        title="New subjects: choice normalized likelihood by sessions that describe them",
    )  # fmt: skip
