"""What a plain `accumbens fit TABLE` gives on every bandit table and on eleven generators.

    python benchmarks/panel.py --half A             # measures the rows of half A that are missing
    python benchmarks/panel.py --report             # Markdown of all rows that there are
    python benchmarks/panel.py --seeds-of-demo 20   # seeds of the demonstration, chosen by default
    python benchmarks/panel.py                      # how many rows there are, and how many are done

Each row runs in a process of its own with a time limit and is appended to a JSON-lines file; the
next call goes on with what is missing. A row that fails stays as a row with its error; `--again`
tries those anew. Halves: see `panel/rows.py`. Criteria: see `panel/criteria.py`.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from panel.agents import GENERATORS
from panel.report import report
from panel.rows import TABLES, Row, absent, panel_rows
from panel.store import Record, append_row, read_rows, state_of_code


def run_row(row: Row, options: argparse.Namespace) -> Record:
    """The record of that row, measured in a new process; with an error where that fails."""
    about = {"key": row.key, **dataclasses.asdict(row), "half": row.half, "code": state_of_code()}
    about["compiled_before"] = options.compiled is not None
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        if options.keep is not None:
            folder = options.keep / row.key
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        wanted = {
            "data": str(options.data), "gru": options.gru, "all_cognitive": options.all_cognitive,
            "config": None if options.config is None else str(options.config),
        }  # fmt: skip
        job = json.dumps({"row": dataclasses.asdict(row), "wanted": wanted, "folder": str(folder)})
        command = [sys.executable, __file__, "--one", job]
        environment = dict(os.environ)
        if options.compiled is not None:
            environment["JAX_COMPILATION_CACHE_DIR"] = str(options.compiled.resolve())
            environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, timeout=options.limit
            )
        except subprocess.TimeoutExpired:
            return about | _failed(f"not finished after {options.limit:g} s", began)
        result = folder / "row.json"
        if done.returncode or not result.is_file():
            said = done.stderr.strip().splitlines()
            why = said[-1] if said else f"ended with status {done.returncode}"
            return about | _failed(why, began)
        return about | json.loads(result.read_text())


def _failed(why: str, began: float) -> Record:
    return {"error": why, "seconds": {"run": time.monotonic() - began}}


def measure_one(job: str) -> None:
    """In the row's own process: measures it and writes row.json."""
    from panel.measuring import Wanted, measured

    given = json.loads(job)
    folder = Path(given["folder"])
    record = measured(Row(**given["row"]), Wanted(**given["wanted"]), folder)
    (folder / "row.json").write_text(json.dumps(record, allow_nan=False))


def missing(rows: Sequence[Row], done: dict[str, Record], *, again: bool) -> list[Row]:
    """The rows to measure: those without a record and, `again`, those that failed."""
    return [r for r in rows if r.key not in done or (again and "error" in done[r.key])]


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--half", choices=("A", "B"), help="measure the missing rows of this half")
    add("--seeds-of-demo", type=int, default=0, metavar="N", help="measure N demonstrations")
    add("--report", action="store_true", help="print the criteria and tables as Markdown")
    add("--rows", type=Path, default=Path("runs/panel.jsonl"), help="file of the rows")
    add("--data", type=Path, default=Path("../shared/data"), help="folder of the real tables")
    add("--sizes", type=int, nargs="+", default=(10, 30, 100, 300), help="sessions of a generator")
    add("--trials", type=int, default=100, help="trials of each session")
    add("--draws", type=int, default=4, help="draws of each generator; half of them in each half")
    add("--only", nargs="+", default=(), choices=(*TABLES, *GENERATORS), metavar="NAME",
        help=f"only these: {', '.join((*TABLES, *GENERATORS))}")  # fmt: skip
    add("--gru", action="store_true", help="a GRU too")
    add("--all-cognitive", action="store_true", help="every cognitive model of the catalogue too")
    add("--config", type=Path, help="options of accumbens fit (TOML), to try another procedure")
    add(
        "--compiled",
        type=Path,
        help="keep compiled programs in this folder for rows of the same "
        "size: a small row takes a third of the time, and its seconds say little of a first fit",
    )
    add("--limit", type=float, default=1800.0, help="seconds that a row may take")
    add("--again", action="store_true", help="measure rows that failed anew")
    add("--keep", type=Path, help="keep tables and runs in this folder, one a row")
    add("--one", help=argparse.SUPPRESS)
    return parser


def main() -> None:
    options = arguments().parse_args()
    if options.one:
        measure_one(options.one)
        return
    rows = panel_rows(options.sizes, options.draws, options.trials, options.only)
    away = absent(rows, options.data)
    rows = [row for row in rows if row not in away]
    demos = [Row("demonstration", "q_learning", draw=i) for i in range(options.seeds_of_demo)]
    done = read_rows(options.rows)
    if options.report:
        print(report(list(done.values()), [row.key for row in rows]))
        return
    for row in away:
        print(f"left out, not in {options.data}: {TABLES[row.name].file} ({row.name})")
    measures = options.half is not None or demos
    chosen = [row for row in rows if row.half == options.half] + demos if measures else rows
    to_do = missing(chosen, done, again=options.again)
    print(f"{len(to_do)} of {len(chosen)} rows are missing in {options.rows}.")
    for number, row in enumerate(to_do if measures else (), 1):
        print(f"{number}/{len(to_do)} {row.key}", end=": ", flush=True)
        record = run_row(row, options)
        append_row(options.rows, record)
        print(_in_words(record), flush=True)


def _in_words(record: Record) -> str:
    if "error" in record:
        return f"FAILED, {record['error']}"
    best = record["against"]["cognitive_0_1_0"]
    likelihood = record["likelihood"]
    agent = f", agent {likelihood['agent']:.4f}" if "agent" in likelihood else ""
    return (
        f"disRNN {likelihood['disrnn']:.4f}, {best['model']} {likelihood[best['model']]:.4f}"
        f"{agent}, bias {likelihood['bias']:.4f}; open latents {record['open_latents']} of "
        f"{record['state_variables']}; {record['seconds']['run']:.0f} s"
    )


if __name__ == "__main__":
    main()
