"""`accumbens credit`: which rewards does the animal credit to its choices?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

from ..run.credit.config import CreditConfig
from ..run.options import POSITIONAL, ROOT
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    from ..run.credit.found import Credit

TITLE = (
    "Indices: sums over lags, in log-odds, with 95 % intervals (subjects: over sessions; group: "
    "over subjects). p one-sided; of the group: in these animals"
)


@dataclasses.dataclass(frozen=True)
class CreditCommand(Command):
    """Which rewards does the animal credit to its choices? Trial-history regression, controllable
    and distractor index, and exact randomization tests, on a table with one row a trial."""

    first: ClassVar = (
        "controllable", "distractor", "probabilities", "out", "choice", "lags", "resamples", "seed",
    )  # fmt: skip
    examples: ClassVar = """
accumbens credit trials.csv --controllable reward --distractor tone
accumbens credit trials.csv --controllable reward --distractor tone --probabilities 0.8 0.2 0.5
"""

    table: Annotated[Path, POSITIONAL]
    """Trial table: CSV, TSV, Parquet, Excel or MATLAB."""
    options: Annotated[CreditConfig, ROOT]
    """Columns and tests."""
    out: Path | None = None
    """Folder to make; by default runs/<name of the table>-credit."""

    def run(self, out: Output) -> None:
        from ..run.credit.analysis import run_credit
        from .printing import shown_progress

        folder = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-credit"
        with shown_progress() as progress:
            found = run_credit(self.table, self.options, folder, progress)
        print_credit(out, found)
        out.paths(folder=folder, figures=folder / "figures")

    def interrupted(self) -> str:
        return "An analysis of credit keeps nothing before its end. Run the same command again."


def print_credit(out: Output, found: Credit) -> None:
    """Warnings, a row a subject and one for the group; then both answers of each test."""
    from ..credit.answers import in_words
    from ..summary import counted
    from .schedule import print_schedule

    trials = found.trials
    out.say(
        "",
        f"{counted(len(found.fits), 'subject')}, {counted(trials.n_sessions, 'session')}, "
        f"{counted(int(trials.scored.sum()), 'free choice')}; "
        f"{counted(found.pooled.data.n_lags, 'lag')}.",
    )
    for warning in found.warnings:
        out.warn(warning)
    print_schedule(out, found.calibration)
    names = list(dict.fromkeys(index.name for index in found.indices))
    headings = ("choices", *names, *(f"p: {short_name(test.name)}" for test in found.tests))
    sizes = {fit.subject: fit.n_scored for fit in found.fits}
    by_place = {(index.subject, index.name): index for index in found.indices}
    rows = []
    for subject in [*sizes, "group"]:
        of = [by_place.get((subject, name)) for name in names]
        cells = [with_interval(i.value, i.low, i.high) if i else "–" for i in of]
        ps = [p_cell(found.p_value(test, subject)) for test in found.tests]
        if subject == "group":
            counts = {i.n_subjects for i in of if i} - {len(sizes)}
            subject = f"group ({min(counts)} of {len(sizes)})" if counts else subject
        rows.append([subject, f"{sizes.get(subject, sum(sizes.values())):,}", *cells, *ps])
    numbers = range(1, len(headings) + 1)
    out.table(["subject", *headings], rows, title=TITLE, numbers=numbers, last_apart=True)
    for test, answer in zip(found.tests, found.answers, strict=True):
        n = len(test.null)
        smallest = f"the smallest p that they can give is {1 / (1 + n):.2g}"
        out.say(f"{test.name} ({n:,} resamples, seed {test.seed}; {smallest})")
        for sentence in (*in_words(answer), test.holds_under):
            out.say(f"  {sentence}")
        for balanced in (b for b in found.balanced if b.test == test.name):
            out.say(f"  {balanced.in_words}")
    if found.hierarchical is not None:
        out.say(found.hierarchical.in_words)


def with_interval(value: float, low: float, high: float) -> str:
    """`1.23 (1.00, 1.46)`, `1.23` where too few sessions or subjects give no interval, or `–`."""
    if value != value:
        return "–"
    return f"{value:.2f}" if low != low else f"{value:.2f} ({low:.2f}, {high:.2f})"


def p_cell(p: float) -> str:
    """`0.0310`, or `–` where there is no p-value."""
    return "–" if p != p else f"{p:.4f}"


def _number(value: float | None) -> float:
    """A number of a table; NaN where its column is empty."""
    return float("nan") if value is None else float(value)


def short_name(test: str) -> str:
    """A test's name without the word index."""
    return test.replace(" index", "")


def print_saved_credit(out: Output, folder: Path) -> None:
    """The indices and p-values that a finished analysis left in `folder`, and its warnings."""
    from ..run.stored import load_analysis

    found = load_analysis(folder)
    frame = found.table("indices")
    tests = [name for name in frame.columns if name.startswith("p(")]
    headings = ["subject", "index", "value", *(f"p: {short_name(t[2:-1])}" for t in tests)]
    rows = [
        [
            str(row["subject"]),
            str(row["name"]),
            with_interval(*(_number(row[key]) for key in ("value", "low", "high"))),
            *(p_cell(_number(row[test])) for test in tests),
        ]
        for row in frame.to_dict("records")
    ]
    out.table(headings, rows, title=TITLE, numbers=range(2, len(headings)))
    for name, test in found.metrics["tests"].items():
        for sentence in test.get("in_words", ()):  # runs of 0.1.0 have none
            out.say(f"{name}. {sentence}")
        if balanced := test.get("flavours_balanced"):
            out.say(f"{name}. {balanced['in_words']}")
    if under_group := found.metrics.get("group", {}).get("history"):
        out.say(under_group["in_words"])
    for warning in found.metrics["warnings"]:
        out.warn(warning)
    out.paths(folder=folder, figures=folder / "figures")
