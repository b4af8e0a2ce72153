"""What a comparison of runs found: paired differences, and what differs between the runs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from ...scoring.comparison import Comparison
from ...summary import Summary, counted, summarized
from .sets import RunSet

if TYPE_CHECKING:
    import pandas as pd


@summarized
@dataclasses.dataclass(frozen=True)
class RunComparison:
    """Several runs, or sets of runs, on the same trials.

    Attributes:
        sets: in the order given, the reference first.
        comparisons: of each pair of models that was compared: the name of the model, that of the
            reference model, and the scores of all sets by the names of the sets.
        options: what differs: a row a run, its `run`, its `set`, and the options that differ.
        trials_hash: which trials were scored (see `accumbens.scoring.scored_trials_hash`).
        notes: what a reader must know.
    """

    sets: tuple[RunSet, ...]
    comparisons: tuple[tuple[str, str, Comparison], ...]
    options: pd.DataFrame
    trials_hash: str
    notes: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Scores of every set: set, runs, model, signal ("" for choices), metric, value, low,
        high; lowest and highest of its runs."""
        import pandas as pd

        rows = []
        for model, reference, comparison in self.comparisons:
            frame = comparison.to_frame()
            for row in frame.to_dict("records"):
                name = str(row["model"])
                own = next(one for one in self.sets if one.name == name)
                of = reference if own is self.sets[0] else model
                alone = len(own.runs) < 2 or row["metric"] != "normalized_likelihood"
                spread = (None, None) if alone else (min(own.scores(of)), max(own.scores(of)))
                rows.append({"set": name, "runs": len(own.runs), "model": of,
                             **{k: row[k] for k in ("signal", "metric", "value", "low", "high")},
                             "lowest_run": spread[0], "highest_run": spread[1]})  # fmt: skip
        return pd.DataFrame(rows).drop_duplicates(["set", "model", "signal", "metric"])

    def differences_to_frame(self) -> pd.DataFrame:
        """One row a set, model and metric, less the reference: set, model, reference_set,
        reference_model, signal, metric, value, low, high, intervals_over, n."""
        import pandas as pd

        rows = []
        for model, reference, comparison in self.comparisons:
            unit, n = intervals_over(comparison)
            for row in comparison.differences_to_frame().to_dict("records"):
                rows.append({
                    "set": row["model"], "model": model, "reference_set": row["reference"],
                    "reference_model": reference,
                    **{k: row[k] for k in ("signal", "metric", "value", "low", "high")},
                    "intervals_over": unit, "n": n,
                })  # fmt: skip
        return pd.DataFrame(rows)

    def _summary(self) -> Summary:
        title = f"Comparison of {counted(len(self.sets), 'set')} of runs on the same trials"
        frame = self.differences_to_frame()
        heads = ["set", "model", "signal", "metric", "less the first", "low", "high"]
        keys = ["set", "model", "signal", "metric", "value", "low", "high"]
        rows = [[v if isinstance(v, str) else f"{v:+.4g}" for v in row]
                for row in frame[keys].itertuples(index=False)]  # fmt: skip
        return Summary(title, [("reference", self.sets[0].name)], [heads, *rows], self.notes)


def intervals_over(comparison: Comparison) -> tuple[str, int]:
    """What the intervals take as independent, and how many of these there are."""
    subjects = next(iter(comparison.models.values())).subjects.values()
    if comparison.unit == "subject":
        return "animals", len(subjects)
    return "sessions", sum(subject.n_sessions for subject in subjects)
