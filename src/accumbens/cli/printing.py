"""What several commands print: progress while they run, a run's findings, tables of data."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models.catalogue import label_of
from ..progress.base import Progress
from ..progress.display import Lines, terminal_bars
from ..run.fit.labels import label_in_run, labels_of
from ..scoring.scored import which_trials
from ..summary import between, counted
from .output import Output
from .scores import print_differences, print_scores

if TYPE_CHECKING:
    import pandas as pd

    from ..run.fit.folder import Run

IN_SAMPLE = "and scored on the same: none is held out."


def shown_progress() -> contextlib.AbstractContextManager[Progress]:
    """Bars where standard error is a terminal, else a line now and then."""
    bars = sys.stderr.isatty()
    return terminal_bars() if bars else contextlib.nullcontext(Lines(sys.stderr.write))


def print_saved_fit(out: Output, folder: Path) -> None:
    """What a finished fit left in `folder`."""
    from ..run.fit.folder import load_run

    print_run(out, load_run(folder))


def print_run(out: Output, run: Run) -> None:
    """Alarms, the verdict, Table 1, open bottlenecks, seeds, and where the files are."""
    print_verdict(out, run.metrics)
    data = run.metrics["data"]
    held_out = data["sessions_held_out"]
    out.say(
        "",
        f"{counted(data['subjects'], 'subject')}, {counted(data['sessions'], 'session')}, "
        f"{counted(data['trials'], 'trial')} ({data['trials_scored']:,} scored); "
        f"fitted to {counted(data['sessions_fitted'], 'session')}, "
        + (f"scored on the other {held_out} ({data['split']})." if held_out else IN_SAMPLE),
    )
    for notice in run.metrics.get("notices", []):
        out.warn(notice)
    _print_table1(out, run)
    if "scored_trials_hash" in data:
        out.say(which_trials(data["choices_scored"], data["scored_trials_hash"]))
    if "bottlenecks" in run.metrics:
        _print_bottlenecks(out, run)
    print_selection(out, run.metrics)
    if "leave_one_out" in run.metrics:
        print_left_out(out, run.metrics)
    if "contrast" in run.metrics:
        print_contrast(out, run.metrics)
    seeds = run.metrics["models"].get("disrnn", {}).get("fit", {}).get("seeds", [])
    if len(seeds) > 1:
        _print_seeds(out, seeds)
    for name, model in run.metrics["models"].items():
        for warning in model["fit"].get("warnings", []):
            out.warn(f"{labels_of(run.metrics)(name)}: {warning}")
    paths: dict[str, object] = {"run_folder": run.folder.path}
    if any(run.folder.figures.glob("*.png")):
        paths["figures"] = run.folder.figures
    out.paths(**paths)


def print_selection(out: Output, metrics: dict[str, Any]) -> None:
    """How disRNN and GRU were chosen inside the training sessions, where they were."""
    found = metrics["models"].get("disrnn", {}).get("fit", {}).get("selection")
    if found is not None:
        out.say(f"disRNN. {found['why']}")
        if "signal" in found:
            out.say(found["signal"]["why"])
        _print_routes(out, found.get("routes", []))
    found = metrics["models"].get("gru", {}).get("fit", {}).get("selection")
    if found is not None:
        out.say(f"{label_of('gru')}. {found['why']}")


def print_left_out(out: Output, metrics: dict[str, Any]) -> None:
    """Log likelihoods of sessions, or animals, that cognitive models were fitted without."""
    found = metrics["leave_one_out"]
    signals = sorted({s for each in found["models"].values() for s in each.get("mse", ())})
    rows = []
    for name, each in found["models"].items():
        if "failed" in each:
            out.warn(f"{labels_of(metrics)(name)} could not be fitted again: {each['failed']}")
            continue
        said = each.get("log_likelihood") is not None
        rows.append([
            labels_of(metrics)(name), f"{each['log_likelihood']:,.1f}" if said else "–",
            f"{each['normalized_likelihood']:.4f}" if said else "–",
            *(cell_of(each["mse"][s]) if s in each["mse"] else "–" for s in signals),
        ])  # fmt: skip
    headings = ["model", "log likelihood (nats) ↑", "normalized likelihood ↑",
                *(f"{s} MSE ↓" for s in signals)]  # fmt: skip
    title = f"Each {found['unit']} under the fit to all others"
    out.table(headings, rows, title=title, numbers=range(1, len(headings)))


def print_contrast(out: Output, metrics: dict[str, Any]) -> None:
    """Which parameters differ between two levels of a column, for each cognitive model."""
    found = metrics["contrast"]
    out.headline(f"Contrast of {found['sentence']}.")
    told: dict[str, dict[str, Any]] = {}
    for name, each in found["models"].items():
        label = label_in_run(name, metrics["models"][name]["fit"], several=False)
        if "left_out" in each:
            out.warn(f"{label} has no contrast: {each['left_out']}")
            continue
        tests = [test for test in (each["animals"], each["sessions"]) if test is not None]
        told |= {test["unit"]: test for test in tests}
        headings = ["parameter", *each["levels"], "difference (95 % over animals)",
                    *(f"p over {test['unit']}" for test in tests)]  # fmt: skip
        rows = [
            [
                parameter, *(between(e[level], None, None) for level in ("reference", "other")),
                between(e["difference"], e["low"], e["high"]),
                *(between(test["p_family"][parameter], None, None) for test in tests),
            ]
            for parameter, e in each["parameters"].items()
        ]  # fmt: skip
        out.table(headings, rows, title=f"{label}. {each['verdict']}")
    for test in told.values():
        out.say(
            f"p over {test['unit']}: exact, the parameters of a model one family; null hypothesis: "
            f"{test['null']}; smallest p possible {test['smallest_p']:.2g}."
        )
    notes = (note for each in found["models"].values() for note in each.get("notes", ()))
    for note in dict.fromkeys(notes):
        out.warn(note)


def print_verdict(out: Output, metrics: dict[str, Any]) -> None:
    """What is worse than a model without memory, loudly; then what the run found, in words.

    Runs of 0.1.0 hold neither, and nothing is printed for them.
    """
    for warning in metrics.get("warnings", []):
        out.alarm(warning)
    verdict = metrics.get("verdict")
    if verdict:
        for found in (verdict["choice"], *verdict["signal"].values()):
            out.headline(found["sentence"])
        if verdict.get("structure"):
            out.headline(verdict["structure"])


def _print_table1(out: Output, run: Run) -> None:
    held_out = run.metrics["data"]["sessions_held_out"]
    which = "Held-out sessions" if held_out else "Fitted sessions; none was held out"
    print_scores(out, run.metrics, which, held_out or run.metrics["data"]["sessions"])
    print_differences(out, run.metrics)


def _print_bottlenecks(out: Output, run: Run) -> None:
    """For each network, the inputs whose bottleneck is not closed."""
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
    rows = [(what, ", ".join(inputs)) for what, inputs in readers.items() if inputs]
    title = "disRNN bottlenecks that are not closed (noise: 0 open, 1 closed)"
    out.table(("read by", "inputs"), rows, title=title)


def _print_routes(out: Output, routes: list[dict[str, Any]]) -> None:
    """The best candidate along each path."""
    headings = (
        "share", "numbers a subject", "start", "latents at most", "penalties",
        "folds ↑", "open latents", "kept",
    )  # fmt: skip
    rows = [
        (
            f"{route['share']:g}", str(route["embedding"]), str(route["start"]),
            str(route.get("latents", "")), f"x {route['factor']:.2g}",
            f"{route['inner_normalized_likelihood']:.4f}",
            ", ".join(map(str, route["open_latents_of_folds"])), "yes" if route["kept"] else "",
        )
        for route in routes
    ]  # fmt: skip
    said = {1, 2, 3}  # only where they differ
    shown = [i for i in range(len(headings)) if i not in said or len({row[i] for row in rows}) > 1]
    if rows:
        out.table(
            [headings[i] for i in shown], [[row[i] for i in shown] for row in rows],
            title="disRNN candidates, the best along each path: normalized likelihood of what "
            "folds held out, open latents of the fits without each fold",
        )  # fmt: skip


def _print_seeds(out: Output, seeds: list[dict[str, Any]]) -> None:
    """One row a seed; columns that no seed has a value for are left out.

    seeds: `seed`, and where they are known `loss`, `inner` (normalized likelihood on folds of the
    training sessions), `open_latents` and `kept`.
    """
    columns = [c for c in SEED_COLUMNS if any(seed.get(c[0]) is not None for seed in seeds)]
    rows = []
    for seed in seeds:
        values = [(seed.get(key), form) for key, _, form in columns]
        rows.append(["–" if value is None else form(value) for value, form in values])
    out.table([heading for _, heading, _ in columns], rows, title="disRNN seeds")


SEED_COLUMNS: tuple[tuple[str, str, Callable[[Any], str]], ...] = (
    ("seed", "seed", str),
    ("loss", "training loss ↓", "{:.4f}".format),
    ("inner", "inner normalized likelihood ↑", "{:.4f}".format),
    ("open_latents", "open latents", str),
    ("kept", "", lambda kept: "kept" if kept else ""),
)
"""Key in metrics.json, heading, and how a value is printed."""


def print_frame(out: Output, frame: pd.DataFrame, title: str, rows: int) -> None:
    """A table of at most so many rows, and how many more there are."""
    numbers = [i for i, name in enumerate(frame.columns) if frame[name].dtype.kind in "iuf"]
    cells = [[cell_of(value) for value in row] for row in frame.head(rows).itertuples(index=False)]
    out.table([str(name) for name in frame.columns], cells, title=title, numbers=numbers)
    if len(frame) > rows:
        out.say(f"... and {len(frame) - rows:,} more")


def cell_of(value: object) -> str:
    """A value as a cell shows it; empty for NaN."""
    if isinstance(value, float):
        if value != value:
            return ""
        return f"{value:,.4f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
