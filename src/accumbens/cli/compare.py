"""`accumbens compare`: paired differences of runs on the same trials."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from ..errors import ConfigError
from ..models.catalogue import label_of
from ..run.fit.config import MODELS
from ..run.options import POSITIONAL
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    import pandas as pd

    from ..run.compare.found import RunComparison


SAME = 1e-6
"""Models whose differences are all smaller say the same, but for the last digits."""


@dataclasses.dataclass(frozen=True)
class CompareCommand(Command):
    """Compare runs trial for trial: paired differences of the scores of their models, with 95 %
    intervals over animals or sessions, and what differs in their options. Refused, with the reason,
    where the runs did not score the same trials."""

    first: ClassVar = ("by", "models", "against", "unit", "out", "csv")
    words: ClassVar = {
        "set": "Runs that are compared as one: those that agree in the options after --by.",
    }
    examples: ClassVar = """
accumbens compare runs/weak runs/strong
accumbens compare sweeps/starts --by penalties.factor
accumbens compare runs/network runs/agents --models disrnn --against dfq_choice
"""

    runs: Annotated[tuple[Path, ...], POSITIONAL] = ()
    """Folders of fits or predictions, the reference first; a sweep stands for its cells."""
    by: tuple[str, ...] = ()
    """Options that tell sets of runs apart. Of each session, the scores of a set are the mean over
    its runs, such as fits from several starts, or of folds. By default each run is compared."""
    models: Annotated[tuple[str, ...], MODELS] = ()
    """Models to compare; by default all that every run has."""
    against: str | None = None
    """Model of the reference that all others are compared with; by default the same model."""
    unit: Literal["auto", "animal", "session"] = "auto"
    """What 95 % intervals take as independent: animals, or sessions of these animals. auto: animals
    from three on, sessions before."""
    resamples: int = 2000
    """Resamples behind the standard deviation in each 95 % interval."""
    seed: int = 0
    """Seed of the resamples."""
    csv: bool = False
    """Print the differences as CSV instead of tables."""
    out: Path | None = None
    """Write the differences to this file too: CSV, TSV or Parquet."""
    replace: bool = False
    """Replace a file of that name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.runs:
            raise ConfigError("Name the runs to compare: accumbens compare RUN RUN ...")
        if self.resamples < 1:
            raise ConfigError(f"resamples is {self.resamples}; it must be at least 1.")

    def run(self, out: Output) -> None:
        from ..files import check_free
        from ..io.tables.files import write_table
        from ..io.tables.formulas import csv_text
        from ..run.compare.comparing import compare_runs

        if self.out is not None:
            check_free(self.out, replace=self.replace)
        found = compare_runs(
            self.runs, by=self.by, models=self.models, against=self.against, unit=self.unit,
            resamples=self.resamples, seed=self.seed,
        )  # fmt: skip
        differences = found.differences_to_frame()
        if self.out is not None:
            write_table(differences, self.out)
        if self.csv:
            out.text(csv_text(differences))
        else:
            print_comparison(out, found, differences)
            if self.out is not None:
                out.paths(table=self.out)


def print_comparison(out: Output, found: RunComparison, differences: pd.DataFrame) -> None:
    """What differs, the scores of every set, and the differences from the first one."""
    from ..scoring.scored import which_trials

    _print_options(out, found)
    scores, same = found.to_frame(), _same_models(differences)
    if len(same) < len(set(differences["model"])):
        _print_scores(out, found, _without(scores, same))
        _print_differences(out, found, _without(differences, same))
    if same:
        values = {
            row["model"]: row["value"]
            for row in scores.to_dict("records")
            if row["metric"] == "normalized_likelihood"
        }
        words = [f"{label_of(model)} ({values[model]:.4f})" for model in same]
        out.say(f"The same in all (normalized likelihood): {', '.join(words)}.")
    scored = next(iter(found.comparisons[0][2].models.values()))
    n = sum(subject.n_choices for subject in scored.subjects.values())
    out.say(which_trials(n, found.trials_hash))
    for note in found.notes:
        out.warn(note)


def _without(frame: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    from ..run.index.choosing import rows_where

    return rows_where(frame, (model not in models for model in frame["model"]))


def _same_models(differences: pd.DataFrame) -> list[str]:
    """Models that predict the same in all sets, such as those that a varied option leaves alone."""
    found = []
    for model, own in differences.groupby("model", sort=False):
        compared_with_itself = set(own["reference_model"]) == {model}
        zero = (own[["value", "low", "high"]].abs().fillna(0.0) < SAME).to_numpy().all()
        if compared_with_itself and zero:
            found.append(str(model))
    return found


def _print_options(out: Output, found: RunComparison) -> None:
    """A row a set; the values of its runs by commas."""
    options = [c for c in found.options if c not in ("run", "set")]
    if not options:
        out.say("The runs do not differ in any option, nor in their data and versions.")
        return
    rows = []
    for one in found.sets:
        own = [o for o, name in zip(found.options.to_dict("records"), found.options["set"],
                                    strict=True) if name == one.name]  # fmt: skip
        rows.append([one.name, *(_values(o[name] for o in own) for name in options)])
    heads = [_heading(name) for name in options]
    out.table([_what(found), *heads], rows, title="What differs")


def _print_scores(out: Output, found: RunComparison, frame: pd.DataFrame) -> None:
    several = any(len(one.runs) > 1 for one in found.sets)
    signals = [s for s in dict.fromkeys(frame["signal"]) if s]
    rows = []
    for _, own in frame.groupby(["set", "model"], sort=False):
        name, model = str(own["set"].iloc[0]), str(own["model"].iloc[0])
        cells = {(row["signal"], row["metric"]): row for row in own.to_dict("records")}
        choice = cells["", "normalized_likelihood"]
        row = [name, label_of(model), _interval(choice)]
        if several:
            row += [str(choice["runs"]), _range(choice["lowest_run"], choice["highest_run"])]
        for signal in signals:
            mse = cells.get((signal, "mse"))
            if mse is not None and several:  # no room; the differences have theirs
                mse = mse | {"low": None, "high": None}
            row += [_interval(mse), _r2(cells.get((signal, "r2")))]
        rows.append(row)
    heads = [_what(found), "model", "choice\nnormalized likelihood ↑"]
    heads += ["runs", "of single runs"] if several else []
    heads += [head for signal in signals for head in (f"{signal} MSE ↓", "R2 ↑")]
    held_out = found.comparisons[0][2].held_out
    which = "Held-out sessions" if held_out else "Scored sessions, fitted ones among them"
    out.table(heads, rows, title=f"{which} (95 % intervals over {_over(found)})")


def _print_differences(out: Output, found: RunComparison, frame: pd.DataFrame) -> None:
    from ..run.fit.labels import side_of
    from .scores import DIFFERENCES

    rows = []
    for row in frame.to_dict("records"):
        if row["metric"] in DIFFERENCES:
            known = {key: None if row[key] != row[key] else row[key] for key in ("low", "high")}
            rows.append([
                row["set"], label_of(row["model"]),
                f"{row['signal'] or 'choices'}, {DIFFERENCES[row['metric']]}",
                _interval(row, "+.3g"), side_of({"metric": row["metric"], **known}),
            ])  # fmt: skip
    first = found.sets[0].name
    references = dict.fromkeys(reference for model, reference, _ in found.comparisons)
    others = [r for m, r, _ in found.comparisons if m != r]
    than = f"{first} ({', '.join(map(label_of, references))})" if others else first
    title = f"Is it better than {than}? Differences on the same trials (95 % over {_over(found)})"
    caption = (
        "For these fits, and animals or sessions like these; fits from other starts may differ."
    )
    heads = [_what(found), "model", "of", f"less {first}", ""]
    out.table(heads, rows, title=title, caption=caption)


def _over(found: RunComparison) -> str:
    from ..run.compare.found import intervals_over

    unit, n = intervals_over(found.comparisons[0][2])
    return f"{n} {unit}"


def _what(found: RunComparison) -> str:
    return "set" if any(len(one.runs) > 1 for one in found.sets) else "run"


def _heading(name: str) -> str:
    return name.removeprefix("recipe.").replace(".", ".\n")


def _values(values: Any) -> str:
    from ..run.index.choosing import is_missing, text_of

    said = dict.fromkeys("–" if is_missing(value) else text_of(value)[:16] for value in values)
    shown = list(said)
    return ", ".join(shown if len(shown) <= 6 else [*shown[:5], f"... ({len(shown)})"])


def _interval(row: Any, spec: str = ".4f") -> str:
    from ..summary import interval_text

    if row is None:
        return "–"
    known = {key: None if row[key] != row[key] else row[key] for key in ("value", "low", "high")}
    return interval_text(known["value"], known["low"], known["high"], spec=spec)


def _r2(row: Any) -> str:
    return "–" if row is None or row["value"] != row["value"] else f"{row['value']:.3f}"


def _range(low: float | None, high: float | None) -> str:
    return "–" if low is None or low != low else f"{low:.4f} to {high:.4f}"
