"""What commands print: progress while they run, and a run's findings."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..models.catalogue import label_of
from ..progress.base import Progress
from ..progress.display import Lines, terminal_bars
from ..run.folder import Run

IN_SAMPLE = "and scored on the same: none is held out."


def shown_progress() -> contextlib.AbstractContextManager[Progress]:
    """Bars where standard error is a terminal, else a line now and then."""
    return (
        terminal_bars() if sys.stderr.isatty() else contextlib.nullcontext(Lines(sys.stderr.write))
    )


def print_run(console: Console, run: Run) -> None:
    """Alarms, the verdict, Table 1, open bottlenecks, seeds, and where the files are."""
    print_verdict(console, run.metrics)
    data = run.metrics["data"]
    held_out = data["sessions_held_out"]
    console.print(
        f"\n{data['subjects']} subjects, {data['sessions']} sessions, {data['trials']} trials "
        f"({data['trials_scored']} scored); fitted to {data['sessions_fitted']} sessions, "
        + (f"scored on the other {held_out} ({data['split']})." if held_out else IN_SAMPLE)
    )
    console.print(_table1(run))
    if "bottlenecks" in run.metrics:
        console.print(_bottlenecks(run))
    print_selection(console, run.metrics)
    seeds = run.metrics["models"].get("disrnn", {}).get("fit", {}).get("seeds", [])
    if len(seeds) > 1:
        console.print(_seeds(seeds))
    for name, model in run.metrics["models"].items():
        for warning in model["fit"].get("warnings", []):
            console.print(f"[yellow]{label_of(name)}: {warning}")
    console.print(f"\nRun folder: {run.folder.path}\nFigures:    {run.folder.figures}")


def print_selection(console: Console, metrics: dict[str, Any]) -> None:
    """How the disRNN was chosen inside the training sessions, where it was."""
    found = metrics["models"].get("disrnn", {}).get("fit", {}).get("selection")
    if found is not None:
        console.print(f"disRNN. {found['why']}", markup=False, highlight=False)
        if "signal" in found:
            console.print(found["signal"]["why"], markup=False, highlight=False)


def print_verdict(console: Console, metrics: dict[str, Any]) -> None:
    """What is worse than a model without memory, loudly; then what the run found, in words.

    Runs of 0.1.0 hold neither, and nothing is printed for them.
    """
    for warning in metrics.get("warnings", []):
        console.print(Text(f"\nWARNING: {warning}", style="bold red"))
    verdict = metrics.get("verdict")
    if verdict:
        for found in (verdict["choice"], *verdict["signal"].values()):
            console.print(Text(f"\n{found['sentence']}", style="bold"))


def _interval(value: float | None, low: float | None, high: float | None) -> str:
    if value is None:
        return "–"
    between = "" if low is None or high is None else f" [{low:.4f}, {high:.4f}]"
    return f"{value:.4f}{between}"


def _table1(run: Run) -> Table:
    models = run.metrics["models"]
    signals = list(dict.fromkeys(s for m in models.values() for s in m["signal"]))
    held_out = run.metrics["data"]["sessions_held_out"]
    which = "Held-out sessions" if held_out else "Fitted sessions; none was held out"
    several = (held_out or run.metrics["data"]["sessions"]) > 1
    note = " (95 % bootstrap intervals over sessions)" if several else ""
    table = Table(title=f"{which}{note}")
    table.add_column("model")
    table.add_column("choice normalized likelihood ↑")
    for signal in signals:
        table.add_column(f"{signal} MSE ↓")
        table.add_column("R2 ↑")
    for name, model in models.items():
        choice = model["choice"]
        row = [
            _interval(choice["normalized_likelihood"], *choice["normalized_likelihood_interval"])
        ]
        for signal in signals:
            score = model["signal"].get(signal)
            row.append(_interval(score["mse"], *score["mse_interval"]) if score else "–")
            row.append("–" if score is None or score["r2"] is None else f"{score['r2']:.3f}")
        table.add_row(label_of(name), *row)
    return table


def _bottlenecks(run: Run) -> Table:
    """For each network, the inputs whose bottleneck is not closed."""
    table = Table(title="disRNN bottlenecks that are not closed (noise: 0 open, 1 closed)")
    table.add_column("read by")
    table.add_column("inputs")
    readers: dict[str, list[str]] = {}
    for row in run.metrics["bottlenecks"]:
        what = {"latent": "latents", "update": f"update of {row['reader']}"}.get(
            row["kind"], f"{row['reader']} network"
        )
        listed = readers.setdefault(what, [])
        closed_latent = row["kind"] == "update" and row["reader"] not in run.metrics["open_latents"]
        if row["openness"] != "closed" and not closed_latent:
            part = " (partial)" if row["openness"] == "partial" else ""
            listed.append(f"{row['input']} {row['noise']:.2f}{part}")
    for what, inputs in readers.items():
        if inputs:
            table.add_row(what, ", ".join(inputs))
    return table


def _seeds(seeds: list[dict[str, Any]]) -> Table:
    """One row a seed; columns that no seed has a value for are left out.

    seeds: `seed`, and where they are known `loss`, `inner` (normalized likelihood on folds of the
    training sessions), `open_latents` and `kept`.
    """
    table = Table(title="disRNN seeds")
    columns = [c for c in SEED_COLUMNS if any(seed.get(c[0]) is not None for seed in seeds)]
    for _, heading, _ in columns:
        table.add_column(heading)
    for seed in seeds:
        values = [(seed.get(key), form) for key, _, form in columns]
        table.add_row(*("–" if value is None else form(value) for value, form in values))
    return table


SEED_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("seed", "seed", str),
    ("loss", "training loss ↓", "{:.4f}".format),
    ("inner", "inner normalized likelihood ↑", "{:.4f}".format),
    ("open_latents", "open latents", str),
    ("kept", "", lambda kept: "kept" if kept else ""),
)
"""Key in metrics.json, heading, and how a value is printed."""
