"""Contrasts of two conditions: false positive rates without an effect, power with a known one.

    python benchmarks/contrast.py [--cohorts 800] [--animals 8] [--trials 100] [--design within]

Draws cohorts of Q-learners (two sessions a level, learning rate 0.3, inverse temperature 3, SD 0.4
over animals on the unconstrained scale) and counts how often each parameter is called different at
5 %: by the exact test over animals (`p`), by it with both parameters as one family, by the exact
test over sessions, and by the interval. It fails where a test over animals does so in fewer than
3.5 or more than 6.5 % of 800 cohorts without an effect, also where animals differ in their effects
about zero, or where intervals hold the truth in fewer than 92 or more than 98 %. Between animals
with ten of them (five a level).
"""

import argparse
import sys
import time

import jax
import numpy as np
from scipy.special import expit, logit

from accumbens.cohort import simulate_cohort
from accumbens.fit.group.contrast.fitting import fit_contrast
from accumbens.models.q_learning import QLearning
from accumbens.tasks.bandits import DriftingBandit

MEDIANS = logit(0.3), np.log(3.0)
NAMES = ("learning_rate", "inverse_temperature")
SPREAD = 0.4
SESSIONS = 2
"""A level (within), or half of those of an animal (between)."""
LIMITS, COVERAGE = (0.035, 0.065), (0.92, 0.98)
SCENARIOS = {
    "within": {
        "no effect": ((0.0, 0.0), 0.0),
        "no effect, animals differ about zero (SD 0.5)": ((0.0, 0.0), 0.5),
        "learning rate +0.8": ((0.8, 0.0), 0.3),
        "inverse temperature -0.4": ((0.0, -0.4), 0.3),
    },
    "between": {
        "no effect": ((0.0, 0.0), 0.0),
        "learning rate +1": ((1.0, 0.0), 0.0),
        "inverse temperature -0.8": ((0.0, -0.8), 0.0),
    },
}


def cohort(seed, shift, differ, n_animals, n_trials, within):
    """Trials, and the level of each session."""
    rng = np.random.default_rng([seed, n_animals, within])
    middle = np.array(MEDIANS) + SPREAD * rng.standard_normal((n_animals, 2))
    own = np.array(shift) + differ * rng.standard_normal((n_animals, 2))
    side = np.tile([-0.5, 0.5], n_animals) if within else np.arange(n_animals) % 2 - 0.5
    cells = np.arange(len(side)) // 2 if within else np.arange(len(side))
    u = middle[cells] + side[:, None] * own[cells]
    agents = [QLearning(expit(a), np.exp(b)) for a, b in u]
    each = SESSIONS if within else 2 * SESSIONS
    trials = simulate_cohort(
        agents, DriftingBandit(), n_sessions=each, n_trials=n_trials, key=jax.random.key(seed)
    )
    levels = ["drug" if side[cell] > 0 else "saline" for cell in trials.subject]
    return trials, levels, cells


def regrouped(trials, cells):
    """Cells of an animal as sessions of one subject."""
    import dataclasses

    subjects = tuple(f"m{i}" for i in range(max(cells) + 1))
    names = dataclasses.replace(
        trials.names, subjects=subjects,
        sessions=tuple(map(str, range(trials.n_sessions))),
    )  # fmt: skip
    return dataclasses.replace(trials, subject=cells[trials.subject].astype(np.int32), names=names)


def one(seed, shift, differ, n_animals, n_trials, within):
    trials, levels, cells = cohort(seed, shift, differ, n_animals, n_trials, within)
    trials = regrouped(trials, cells)
    fit = fit_contrast(
        QLearning, trials, dict(zip(trials.session_labels, levels, strict=True)),
        key=jax.random.key(seed), n_starts=2, fixed={"initial_value": 0.5},
    )  # fmt: skip
    row = {}
    for name, truth in zip(NAMES, shift, strict=True):
        e = fit.parameters[name]
        row[name] = [
            fit.animals.p[name] <= 0.05,
            fit.animals.p_family[name] <= 0.05,
            fit.sessions.p[name] <= 0.05 if fit.sessions else np.nan,
            not e.shift_low <= 0 <= e.shift_high,
            e.shift_low <= truth <= e.shift_high,
            e.shift - truth,
        ]
    row["any of both"] = [
        min(fit.animals.p.values()) <= 0.05,
        min(fit.animals.p_family.values()) <= 0.05,
        min(fit.sessions.p_family.values()) <= 0.05 if fit.sessions else np.nan,
        np.nan, np.nan, np.nan,
    ]  # fmt: skip
    return row


def scenario(what, design, shift, differ, options):
    """Prints a row for each parameter; returns whether all rates are within the limits."""
    began = time.monotonic()
    within = design == "within"
    n_animals = options.animals if within else options.animals + 2
    rows = [
        one(seed, shift, differ, n_animals, options.trials, within)
        for seed in range(options.cohorts)
    ]
    print(f"\n{design}, {n_animals} animals: {what} ({time.monotonic() - began:.0f} s)")
    print(f"  {'':22s}{'p':>8s}{'family':>8s}{'sessions':>10s}{'interval':>10s}"
          f"{'coverage':>10s}{'bias':>8s}")  # fmt: skip
    fine = True
    for name in (*NAMES, "any of both"):
        p, family, sessions, outside, held, bias = np.mean([row[name] for row in rows], 0)
        print(f"  {name:22s}{p:8.1%}{family:8.1%}{sessions:10.1%}{outside:10.1%}{held:10.1%}"
              f"{bias:8.3f}")  # fmt: skip
        if name in NAMES:
            effect = shift[NAMES.index(name)]
            fine &= effect != 0 or LIMITS[0] <= p <= LIMITS[1]
            fine &= COVERAGE[0] <= held <= COVERAGE[1]
    return fine


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cohorts", type=int, default=800)
    parser.add_argument("--animals", type=int, default=8)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--design", choices=[*SCENARIOS, "both"], default="both")
    options = parser.parse_args()
    fine = [
        scenario(what, design, shift, differ, options)
        for design, several in SCENARIOS.items()
        if options.design in (design, "both")
        for what, (shift, differ) in several.items()
    ]
    print("\nAll within the limits." if all(fine) else "\nNot all within the limits.")
    return all(fine)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
