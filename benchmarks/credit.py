"""Refits of the trial-history regression against statsmodels, and the whole of `accumbens credit`.

    python benchmarks/credit.py [--resamples 10000] [--against PATH] [--turns 3]

12 mice, 198 sessions of 500 trials, 10 lags. Ratio: seconds per refit of one mouse's redrawn
experiment, statsmodels' Logit (its design matrix made by `HistoryData.design`) over ours.

`--against` runs the command of another version too, in turns with ours, each in a process of its
own: PATH is what its Python has to find, such as `OLD/src` after

    git archive v0.1.0 | tar -x -C OLD

and the folder of a package that it needs and we do not (0.1.0: tyro), joined by colons. It fails
where ours takes longer: of each pair of runs the ratio, then the median of the pairs. Beside the
seconds stand those of the processor, which other work on the machine changes less.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import jax
import numpy as np
import statsmodels.api as sm

from accumbens.cohort import draw_agents, shared_out, simulate_cohort
from accumbens.credit.history import history_data
from accumbens.credit.history.refit import Redraw, redraw_problem, redrawn_types, refit
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.structured import StructureMixture
from accumbens.progress.base import Progress
from accumbens.run.credit.analysis import run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.tasks.distractor import DistractorRewards

MEDIANS = {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5}


def command(path: str | None, table: Path, out: Path, resamples: int) -> tuple[float, float]:
    """Seconds, and seconds of the processor, of `accumbens credit` in a process of its own."""
    own = {} if path is None else {"PYTHONPATH": path}
    words = ["--controllable", "controllable", "--distractor", "distractor"]
    words += ["--resamples", str(resamples), "--out", str(out)]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    main_of_either = "from accumbens.cli import main; main()"
    subprocess.run(
        [sys.executable, "-c", main_of_either, "credit", str(table), *words],
        env={**os.environ, **own}, check=True, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, used


def against(path: str, table: Path, folder: Path, resamples: int, turns: int) -> bool:
    """Prints both versions' times, turn by turn; returns whether ours takes no longer."""
    ratios = []
    for turn in range(turns):
        theirs = np.array(command(path, table, folder / f"theirs{turn}", resamples))
        ours = np.array(command(None, table, folder / f"ours{turn}", resamples))
        ratios.append(ours / theirs)
        print(f"turn {turn}: theirs {theirs[0]:.1f} s (processor {theirs[1]:.1f}), ours "
              f"{ours[0]:.1f} s ({ours[1]:.1f}): ratio {ours[0] / theirs[0]:.2f} "
              f"({ours[1] / theirs[1]:.2f})", flush=True)  # fmt: skip
    ratio, used = np.median(ratios, axis=0)
    print(f"median ratio of seconds {ratio:.2f}, of seconds of the processor {used:.2f}")
    return bool(ratio <= 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--against")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    resamples = options.resamples
    agents = draw_agents(StructureMixture, MEDIANS, 12, 0.3, key=jax.random.key(1))
    trials = simulate_cohort(
        agents, DistractorRewards(), n_sessions=shared_out(198, 12), n_trials=500,
        key=jax.random.key(0),
    )  # fmt: skip
    if options.against:
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "trials.parquet"
            write_table(to_table(trials), table)
            fine = against(options.against, table, Path(folder), resamples, options.turns)
        sys.exit(0 if fine else 1)

    data = history_data(trials, 10, np.flatnonzero(trials.subject == 0))
    half = np.full(len(data.type), 0.5)
    problem = redraw_problem(data, Redraw(data.type | 2, data.type & 1, half))
    refit(problem, seed=0, count=2)  # compiles
    ours, theirs = [], []
    for repeat in range(5):
        start = time.perf_counter()
        refit(problem, seed=repeat, count=400)
        ours.append((time.perf_counter() - start) / 400)
        start = time.perf_counter()
        for i in range(3):
            design = data.design(redrawn_types(problem.redraw, repeat, i))
            sm.Logit(data.response, design).fit(disp=0)
        theirs.append((time.perf_counter() - start) / 3)
    print(f"accumbens   {1e3 * np.median(ours):8.3f} ms a refit")
    print(f"statsmodels {1e3 * np.median(theirs):8.3f} ms a refit")
    print(f"ratio       {np.median(theirs) / np.median(ours):8.0f}")

    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "trials.parquet"
        write_table(to_table(trials), table)
        config = CreditConfig("controllable", "distractor", resamples=resamples)
        start = time.perf_counter()
        found = run_credit(table, config, Path(folder) / "run", Progress())
        seconds = time.perf_counter() - start
    for test in found.tests:
        print(f"{test.name}: p = {test.group_p_value():.2g} ({resamples:,} resamples)")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"all of accumbens credit: {seconds:.0f} s, at most {peak:.1f} GiB")


if __name__ == "__main__":
    main()
