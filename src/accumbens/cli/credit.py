"""`accumbens credit`: which rewards does the animal credit to its choices?"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from ..run.credit_config import CreditConfig

if TYPE_CHECKING:
    from ..run.credit import Credit, Report


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
        from ..run.credit import run_credit

        out = self.out or Path("runs") / f"{self.table.name.split('.')[0]}-credit"
        with credit_progress(console) as report:
            found = run_credit(self.table, self.options, out, report)
        print_credit(console, found)
        console.print(f"\nFolder:  {out}\nFigures: {out / 'figures'}")


@contextlib.contextmanager
def credit_progress(console: Console) -> Iterator[Report]:
    """One progress bar for the bootstrap and one for each test."""
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as progress:
        bars = {}

        def report(label: str, done: int, total: int) -> None:
            if label not in bars:
                bars[label] = progress.add_task(label, total=total)
            progress.update(bars[label], completed=done)

        yield report


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
    table = Table(title="Indices: sum over lags, log-odds [95 % interval]")
    for heading in ("subject", "sessions", "choices", *(f"{name} index" for name in names)):
        table.add_column(heading, justify="left" if heading == "subject" else "right")
    for test in found.tests:
        table.add_column(f"p: {test.name}", justify="right")
    sizes = {fit.subject: (str(fit.n_sessions), f"{fit.n_scored:,}") for fit in found.fits}
    frame = found.to_frame()
    for subject in [*sizes, "group"]:
        cells = []
        for name in names:
            of = [i for i in found.indices if i.subject == subject and i.name == name]
            cells.append(f"{of[0].value:.2f} [{of[0].low:.2f}, {of[0].high:.2f}]" if of else "–")
        rows = frame[frame["subject"] == subject]
        ps = [f"{rows[f'p({t.name})'].iloc[0]:.4f}" if len(rows) else "–" for t in found.tests]
        size = sizes.get(subject, (str(trials.n_sessions), f"{int(trials.scored.sum()):,}"))
        table.add_row(subject, *size, *cells, *ps, end_section=subject == list(sizes)[-1])
    console.print(table)
    for test in found.tests:
        console.print(
            f"{test.name}: group {test.observed.mean():.2f}, p = {test.group_p_value():.4g} "
            f"(one-sided), {test.group_p_value('two-sided'):.4g} (two-sided); "
            f"{len(test.null):,} resamples, seed {test.seed}."
        )
