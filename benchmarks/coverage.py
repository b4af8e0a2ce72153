"""Do 95 % intervals hold the truth in 90 to 99 % of data sets, for every model, and for groups?

    python benchmarks/coverage.py [--only belief meta_learning ...] [--level animal group]
        [--repeats 200] [--results coverage.jsonl]

`animal`: one data set of 50 sessions x 100 trials, of choices and a signal, fitted to choices by
maximum likelihood. `group`: cohorts of 8 animals with 4 sessions x 100 trials each, whose
parameters differ by an SD of 0.4 on the unconstrained scale, fitted hierarchically; a row for the
median and one for the spread of each parameter. Every data set is a line of the results file as
soon as it is done, and a command that was stopped goes on after the last one. At the end, and
whenever nothing is left to do, the table of all that the file holds is printed; the script fails
where a share lies outside the limits. For parameters at a bound see `bounds.py`.
"""

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import jax
import numpy as np

from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.fit.group.hierarchical import fit_hierarchical
from accumbens.fit.likelihood.recovery import recover
from recovery import MODELS

SPREAD, ANIMALS, SESSIONS, TRIALS = 0.4, 8, 4, 100
LIMITS = 0.9, 0.99
AT_ONCE = 10
"""Data sets of one animal that are fitted together."""


def of_animals(name: str, first: int) -> list[dict[str, bool]]:
    """Which parameters' intervals hold the truth in each of `AT_ONCE` data sets."""
    model, task = MODELS[name]
    found = recover(
        model, task, key=jax.random.key(first), n_repeats=AT_ONCE, n_sessions=50, n_trials=TRIALS,
        signal_noise=0.5, n_starts=2,
    )  # fmt: skip
    return [
        {p: bool(x) for p, x in zip(found.parameters, row, strict=True)} for row in found.covered
    ]


def of_group(name: str, seed: int) -> list[dict[str, bool]]:
    """Which intervals of medians and spreads hold the truth in one cohort."""
    model, task = MODELS[name]
    medians = {
        p: np.asarray(getattr(model, p)).tolist()
        for p, about in model.parameters.items()
        if about.default is None
    }
    key = jax.random.fold_in(jax.random.key(1), seed)
    agents = draw_agents(type(model), medians, ANIMALS, SPREAD, key=key)
    trials = simulate_cohort(
        agents, task, n_sessions=SESSIONS, n_trials=TRIALS, key=jax.random.fold_in(key, 1)
    )
    fit = fit_hierarchical(type(model), trials, key=key, n_starts=4)
    held = {}
    for place, one in fit.group.items():
        median = np.ravel(medians[place.partition("[")[0]])
        at = int(place.partition("[")[2].rstrip("]") or 0)
        held[f"{place} median"] = bool(one.low <= median[at] <= one.high)
        held[f"{place} spread"] = bool(one.spread_low <= SPREAD <= one.spread_high)
    return [held]


LEVELS = {"animal": (of_animals, AT_ONCE), "group": (of_group, 1)}


def stored(results: Path) -> dict[tuple[str, str], list[dict[str, bool]]]:
    """What the file holds, by level and model, in order."""
    found = defaultdict(list)
    if results.is_file():
        for line in results.read_text().splitlines():
            row = json.loads(line)
            found[row["level"], row["model"]].append(row["held"])
    return found


def show(found: dict[tuple[str, str], list[dict[str, bool]]]) -> bool:
    """Prints a row a parameter; returns whether all shares lie within the limits."""
    fine = True
    for (level, name), rows in sorted(found.items()):
        print(f"{name}, {level}: {len(rows)} data sets")
        for what in rows[0]:
            share = float(np.mean([row[what] for row in rows]))
            inside = LIMITS[0] <= share <= LIMITS[1]
            fine &= inside
            print(f"  {what:40s} {share:6.1%}{'' if inside else '  <--'}")
    return fine


def main() -> bool:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=tuple(MODELS), default=tuple(MODELS))
    parser.add_argument("--level", nargs="+", choices=tuple(LEVELS), default=tuple(LEVELS))
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--results", type=Path, default=Path("coverage.jsonl"))
    options = parser.parse_args()
    for level in options.level:
        fit, at_once = LEVELS[level]
        for name in options.only:
            done = len(stored(options.results)[level, name])
            began = time.monotonic()
            for first in range(done, options.repeats, at_once):
                lines = [
                    json.dumps({"level": level, "model": name, "held": held}) + "\n"
                    for held in fit(name, first)
                ]
                with options.results.open("a") as file:
                    file.write("".join(lines))
                seconds = time.monotonic() - began
                print(f"\r{name}, {level}: {first + at_once} of {options.repeats} "
                      f"({seconds:.0f} s)", end="", file=sys.stderr, flush=True)  # fmt: skip
            if done < options.repeats:
                print(file=sys.stderr)
    return show(stored(options.results))


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
