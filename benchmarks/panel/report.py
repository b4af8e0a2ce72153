"""What the rows say, as Markdown: each half's criteria with what misses them, then tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import mean, median

from .agents import GENERATORS
from .criteria import (
    Finding,
    below,
    demonstrations,
    interval,
    predictions,
    share_of_agent,
    structure,
)
from .store import Record

DASH = "–"


def report(rows: Sequence[Record], planned: Sequence[str]) -> str:
    """Everything. planned: keys of the rows that there would be, to say how many are missing."""
    there = {row["key"] for row in rows}
    lines = [f"{len(there & set(planned))} of {len(planned)} rows of the panel are there."]
    codes = {row["code"] for row in rows}
    if len(codes) > 1:
        lines[0] += f" They come from {len(codes)} states of the code: {', '.join(sorted(codes))}."
    n_before = sum(row["compiled_before"] for row in rows)
    if n_before:
        lines[0] += f" Seconds of {n_before} are without most of the compilation (`--compiled`)."
    for half, what in (("A", "to decide on"), ("B", "to confirm")):
        own = [row for row in rows if row["half"] == half]
        if own:
            lines += ["", f"## Half {half} ({what}), {len(own)} of its rows", ""]
            lines += criteria_of([*predictions(own), *structure(own)])
            for block in (real_tables(own), generators(own)):
                lines += ["", *block] if block else []
    both = [row for row in rows if row["half"] is not None]
    if {row["half"] for row in both} == {"A", "B"}:
        lines += ["", "## Both halves", ""]
        lines += criteria_of([*predictions(both), *structure(both)], with_misses=False)
    demos = [row for row in rows if row["group"] == "demonstration"]
    if demos:
        lines += ["", f"## Demonstration, seeds: {len(demos)}", ""]
        lines += criteria_of(demonstrations(demos))
    return "\n".join(lines)


def criteria_of(findings: Iterable[Finding], *, with_misses: bool = True) -> list[str]:
    """A table of the criteria, and a list of what misses them."""
    findings = list(findings)
    rows = []
    for finding in findings:
        met = {True: "yes", False: "NO", None: "no row"}[finding.met]
        rows.append([finding.criterion, f"{finding.n_met} of {finding.asked}", met])
    lines = table(["criterion", "rows that meet it", "met"], rows)
    missed = [f"- {key}: {why} ({f.criterion})" for f in findings for key, why in f.misses.items()]
    return lines + (["", "Misses:", "", *missed] if missed and with_misses else [])


def real_tables(rows: Sequence[Record]) -> list[str]:
    """One line a table of real data."""
    own = [row for row in rows if row["group"] == "table" and "error" not in row]
    extra = extra_models(own)
    heads = [
        "table", "trials fitted", "disRNN", "best of 0.1.0", "difference", "bias only", *extra,
        "signal MSE: disRNN, best other", "open latents", "chosen", "s (CPU)", "GiB",
    ]  # fmt: skip
    cells = []
    for row in own:
        against, likelihood = row["against"], row["likelihood"]
        best = against["cognitive_0_1_0"]
        cells.append([
            row["name"], f"{row['training_trials']:,}", f"{likelihood['disrnn']:.4f}",
            f"{likelihood[best['model']]:.4f} ({best['model']})",
            f"{best['difference'][0]:+.4f}{interval(best)}", f"{likelihood['bias']:.4f}",
            *(in_words(row, name) for name in extra), signals(row), str(row["open_latents"]),
            chosen(row), f"{row['seconds']['run']:.0f} ({row['seconds']['cpu']:.0f})",
            f"{row['memory_gib']:.2f}",
        ])  # fmt: skip
    return table(heads, cells) if cells else []


def generators(rows: Sequence[Record]) -> list[str]:
    """One line a generator and size: means over draws, and the worst draw."""
    own = [row for row in rows if row["group"] == "agent" and "error" not in row]
    extra = extra_models(own)
    heads = [
        "generator", "sessions x trials", "draws", "disRNN", "best of 0.1.0", "worst difference",
        "agent", "least share of the agent's", "bias only", *extra,
        "open latents (variables)", "chosen", "s (CPU)", "GiB",
    ]  # fmt: skip
    cells = []
    for name in GENERATORS:
        of_name = [row for row in own if row["name"] == name]
        for size in sorted({(row["sessions"], row["trials"]) for row in of_name}):
            some = [row for row in of_name if (row["sessions"], row["trials"]) == size]
            best = [r["likelihood"][r["against"]["cognitive_0_1_0"]["model"]] for r in some]
            worst = max(some, key=lambda row: below(row, "cognitive_0_1_0"))
            against = worst["against"]["cognitive_0_1_0"]
            latents = " ".join(str(row["open_latents"]) for row in some)
            cells.append([
                name, f"{size[0]} x {size[1]}", str(len(some)), average(some, "disrnn"),
                f"{mean(best):.4f}", f"{against['difference'][0]:+.4f}{interval(against)}",
                average(some, "agent"), f"{min(map(share_of_agent, some)):.2%}",
                average(some, "bias"), *(", ".join(in_words(r, e) for r in some) for e in extra),
                f"{latents} ({some[0]['state_variables']})",
                "; ".join(dict.fromkeys(map(chosen, some))),
                f"{median(r['seconds']['run'] for r in some):.0f} "
                f"({median(r['seconds']['cpu'] for r in some):.0f})",
                f"{max(row['memory_gib'] for row in some):.2f}",
            ])  # fmt: skip
    return table(heads, cells) if cells else []


def extra_models(rows: Sequence[Record]) -> list[str]:
    """What some rows were also compared with: `gru`, and `cognitive`, the best of all of today."""
    return [e for e in ("gru", "cognitive") if any(e in row["against"] for row in rows)]


def in_words(row: Record, opponent: str) -> str:
    """The best model of that set with its likelihood; a dash where the row has none."""
    if opponent not in row["against"]:
        return DASH
    model = row["against"][opponent]["model"]
    value = f"{row['likelihood'][model]:.4f}"
    return value if model == opponent else f"{value} ({model})"


def signals(row: Record) -> str:
    """Mean squared errors of each signal."""
    found = []
    for of_model in row["signals"].values():
        others = {name: mse for name, mse in of_model.items() if name != "disrnn"}
        best = min(others, key=others.__getitem__)
        found.append(f"{of_model['disrnn']:.4f}, {others[best]:.4f} ({best})")
    return "; ".join(found) or DASH


def chosen(row: Record) -> str:
    """Guide, share, and embedding where there is one."""
    choice = row["selection"]
    words = [
        f"{word} {choice[word]:g}" if isinstance(choice[word], float) else f"{word} {choice[word]}"
        for word in ("guide", "share", "embedding")
        if choice.get(word) is not None
    ]
    return ", ".join(words) or DASH


def average(rows: Sequence[Record], model: str) -> str:
    """Its likelihood, averaged over rows."""
    return f"{mean(row['likelihood'][model] for row in rows):.4f}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table."""
    return [f"| {' | '.join(cells)} |" for cells in (heads, ["---"] * len(heads), *rows)]
