"""`accumbens credit`: which rewards does the animal credit to its choices?"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..run.credit.config import CreditConfig

if TYPE_CHECKING:
    from ..run.credit.analysis import Credit


@dataclasses.dataclass(frozen=True)
class CreditCommand:
    """Which rewards does the animal credit to its choices? Trial-history regression, controllable
    and distractor index, and exact randomization tests, on a table with one row a trial."""

    table: tyro.conf.Positional[Path]
    """Trial table: CSV, TSV or Parquet."""
    options: Annotated[CreditConfig, tyro.conf.arg(name="")]
    out: Path | None = None
    """Folder to create; default: runs/<name of the table>-credit."""

    def run(self, console: Console) -> None:
        from ..run.credit.analysis import run_credit
        from .printing import shown_progress

        out = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-credit"
        with shown_progress() as progress:
            found = run_credit(self.table, self.options, out, progress)
        print_credit(console, found)
        console.print(f"\nFolder:  {out}\nFigures: {out / 'figures'}")


def print_credit(console: Console, found: Credit) -> None:
    """A row a subject and one for the group; then warnings."""
    trials = found.trials
    console.print(
        f"\n{len(found.fits)} subjects, {trials.n_sessions} sessions, "
        f"{int(trials.scored.sum()):,} free choices; {found.pooled.data.n_lags} lags."
    )
    for warning in found.warnings:
        console.print(f"[bold red]Warning:[/] {escape(warning)}", highlight=False)
    names = list(dict.fromkeys(index.name for index in found.indices))
    table = Table(title="Indices: sums over lags, in log-odds, with 95 % intervals")
    table.add_column("subject")
    for heading in ("choices", *names, *(f"p: {short_name(test.name)}" for test in found.tests)):
        table.add_column(heading, justify="right", overflow="fold")
    sizes = {fit.subject: fit.n_scored for fit in found.fits}
    by_place = {(index.subject, index.name): index for index in found.indices}
    for subject in [*sizes, "group"]:
        of = [by_place.get((subject, name)) for name in names]
        cells = [with_interval(i.value, i.low, i.high) if i else "–" for i in of]
        ps = [f"{found.p_value(test, subject):.4f}" for test in found.tests]
        n = sizes.get(subject, sum(sizes.values()))
        table.add_row(subject, f"{n:,}", *cells, *ps, end_section=subject == list(sizes)[-1])
    console.print(table)
    for test in found.tests:
        null = test.null.mean(1)
        console.print(
            f"{test.name}: group {test.observed.mean():.2f}; where the hypothesis of no such "
            f"credit holds {null.mean():.2f} with SD {null.std():.2f}; p = "
            f"{test.group_p_value():.4g} (one-sided), {test.group_p_value('two-sided'):.4g} "
            f"(two-sided); {len(test.null):,} resamples, seed {test.seed}."
        )


def with_interval(value: float, low: float, high: float) -> str:
    """`1.23 (1.00, 1.46)`, or `1.23` where too few sessions or subjects give no interval."""
    return f"{value:.2f}" if low != low else f"{value:.2f} ({low:.2f}, {high:.2f})"


def short_name(test: str) -> str:
    """A test's name without the word index."""
    return test.replace(" index", "")


def print_saved_credit(console: Console, folder: Path) -> None:
    """The indices and p-values that a finished analysis left in `folder`, and its warnings."""
    import json

    import pandas as pd

    metrics = json.loads((folder / "metrics.json").read_text())
    frame = pd.read_csv(folder / "indices.csv")
    tests = [name for name in frame.columns if name.startswith("p(")]
    table = Table(title="Indices: sums over lags, in log-odds, with 95 % intervals")
    for heading in ("subject", "index", "value", *(f"p: {short_name(t[2:-1])}" for t in tests)):
        table.add_column(heading, justify="left" if heading in ("subject", "index") else "right")
    for row in frame.to_dict("records"):
        value = with_interval(row["value"], row["low"], row["high"])
        table.add_row(
            str(row["subject"]), str(row["name"]), value, *(f"{row[t]:.4f}" for t in tests)
        )
    console.print(table)
    for warning in metrics["warnings"]:
        console.print(f"[bold red]Warning:[/] {escape(warning)}", highlight=False)
    console.print(f"\nFolder:  {folder}\nFigures: {folder / 'figures'}")
