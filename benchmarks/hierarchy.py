"""Hierarchical fits: do intervals hold the truth, what is gained, and how long does it take?

    python benchmarks/hierarchy.py coverage [--cohorts 200] [--first 0] [--models q_learning dfq]
        [--sessions 4]
    python benchmarks/hierarchy.py speed [--animals 24] [--trials 6000]
    python benchmarks/hierarchy.py nuts [--animals 12] [--sessions 4] [--models q_learning dfq]

`coverage` draws cohorts of 8 animals whose parameters vary about known medians with a known SD on
the unconstrained scale, and counts how often 95 % intervals of medians, SDs and animals hold the
truth: it fails where one does in fewer than 90 or more than 99 % of 200 cohorts. Of the first 20
cohorts it also gives the held-out log likelihood of hierarchical, separate and pooled fits. Another
`--first` gives cohorts that nothing was decided on. `speed` times one hierarchical
fit against separate fits by SciPy (L-BFGS-B, 4 starts each, the likelihood compiled by JAX, with
its gradient) in the same run, and fails where it takes 30 s. `nuts` fits one cohort by empirical
Bayes and by NUTS (extra `bayes`): it fails where a group's mean is further than a tenth of its
posterior SD from the posterior mean, a spread further than a fifth of its posterior SD from the
posterior median, or empirical Bayes less than 50 times faster. Compilation, which each does once,
is told apart: of empirical Bayes by a second call, of NUTS by what JAX says it spent.
"""

import argparse
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
from scipy.optimize import minimize

from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.fit.group.hierarchical import fit_hierarchical
from accumbens.fit.group.nuts import sample_hierarchical
from accumbens.fit.likelihood.maximum_likelihood import (
    fit_datasets,
    fit_maximum_likelihood,
    space_for,
)
from accumbens.fit.likelihood.moments import moments
from accumbens.models.catalogue import cognitive
from accumbens.scoring.metrics import pooled, predict, session_sums
from accumbens.tasks.bandits import DriftingBandit

SPREAD = 0.4
LIMITS = 0.9, 0.99


def log_likelihood(model, trials):
    return float(pooled(session_sums(predict(model, trials), trials)).log_likelihood[0])


def coverage(name, first, n_cohorts, n_sessions, n_animals=8, n_trials=100):
    """Prints a row for each parameter; returns whether all are within the limits."""
    entry = cognitive()[name]
    medians = dict(entry.example)
    held, gains = [], []
    for i in range(first, first + n_cohorts):
        key = jax.random.key(i)
        agents = draw_agents(entry.model_class, medians, n_animals, SPREAD, key=key)
        trials = simulate_cohort(agents, DriftingBandit(), n_sessions=2 * n_sessions,
                                 n_trials=n_trials, key=jax.random.fold_in(key, 1))  # fmt: skip
        train = trials.select_sessions(range(0, trials.n_sessions, 2))
        test = trials.select_sessions(range(1, trials.n_sessions, 2))
        fit = fit_hierarchical(entry.model_class, train, key=key, n_starts=4)
        row = {}
        for parameter, median in medians.items():
            g = fit.group[parameter]
            row[f"{parameter} median"] = g.low <= median <= g.high
            row[f"{parameter} spread"] = g.spread_low <= SPREAD <= g.spread_high
            row[f"{parameter} animals"] = np.mean([
                own[parameter].low <= float(getattr(agent, parameter)) <= own[parameter].high
                for agent, own in zip(agents, fit.subjects.values(), strict=True)
            ])  # fmt: skip
        held.append(row)
        if i < 20:
            whole = fit_maximum_likelihood(entry.model_class, train, key=key, n_starts=4).model
            own = fit_datasets(entry.model_class, [
                train.select_sessions(np.flatnonzero(train.subject == s)) for s in range(n_animals)
            ], key=key, n_starts=4)  # fmt: skip
            alone = sum(
                log_likelihood(f.model, test.select_sessions(np.flatnonzero(test.subject == s)))
                for s, f in enumerate(own)
            )
            ours = log_likelihood(fit.model, test)
            gains.append([ours - alone, ours - log_likelihood(whole, test)])
    n = test.scored.sum()
    print(
        f"{name}: {n_cohorts} cohorts (from {first} on) of {n_animals} animals, "
        f"{n_sessions * n_trials} trials each"
    )
    fine = True
    for what in held[0]:
        share = float(np.mean([row[what] for row in held]))
        inside = LIMITS[0] <= share <= LIMITS[1]
        fine &= inside or "animals" in what
        print(f"  {what:40s} {share:6.1%}{'' if inside else '  <--'}")
    if not gains:
        return fine
    mean = 1000 * np.mean(gains, 0) / n
    error = 1000 * np.std(gains, 0, ddof=1) / np.sqrt(len(gains)) / n
    for i, other in enumerate(("separate", "pooled")):
        print(f"  held out, hierarchical less {other}: {mean[i]:.2f} +- {error[i]:.2f} "
              "thousandths of a nat a choice")  # fmt: skip
    return fine


def by_scipy(space, trials, key):
    """Separate fits, each from 4 starts."""
    with jax.enable_x64(True):
        none = jnp.zeros(0)
        cost = jax.jit(jax.value_and_grad(
            lambda u, batch: -moments(space.build(u, none, none), batch).log_p
        ))  # fmt: skip
        starts = np.asarray(space.draw_starts(key, 4))
        for i in range(len(trials.names.subjects)):
            own = trials.select_sessions(np.flatnonzero(trials.subject == i)).batch(np.float64)
            for start in starts:
                minimize(lambda u, own=own: tuple(map(np.asarray, cost(u, own))), start, jac=True,
                         method="L-BFGS-B")  # fmt: skip


def speed(n_animals, n_trials):
    entry, key = cognitive()["dfq"], jax.random.key(0)
    agents = draw_agents(entry.model_class, entry.example, n_animals, SPREAD, key=key)
    trials = simulate_cohort(
        agents, DriftingBandit(), n_sessions=max(1, n_trials // 300), n_trials=300, key=key
    )
    began = _seconds()
    fit = fit_hierarchical(entry.model_class, trials, key=key)
    ours = _seconds() - began
    print(fit)
    print(f"{n_animals} animals x {n_trials} trials: hierarchical {ours[0]:.1f} s (with "
          f"compilation; of the processor {ours[1]:.1f} s)", flush=True)  # fmt: skip
    began = _seconds()
    by_scipy(space_for(entry.model_class, [trials], "choice"), trials, key)
    theirs = _seconds() - began
    print(f"separate by SciPy {theirs[0]:.1f} s (of the processor {theirs[1]:.1f} s)")
    return ours[0] < 30


def _seconds():
    """By the clock, and of the processor, which other work on the machine changes less."""
    return np.array([time.monotonic(), time.process_time()])


COMPILING = ("jaxpr_trace_duration", "jaxpr_to_mlir_module_duration", "backend_compile_duration")


def timed(call):
    """What a call returns, its seconds, and how many of them JAX spent on compilation."""
    spent = []

    def listen(event, seconds, **_):
        if event.rpartition("/")[2] in COMPILING:
            spent.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    began = time.monotonic()
    found = call()
    seconds = time.monotonic() - began
    jax.monitoring.unregister_event_duration_listener(listen)
    return found, seconds, sum(spent)


def against_nuts(name, n_animals, n_sessions, n_trials=100):
    """Prints both estimates of each parameter; returns whether they agree, and the speed is so."""
    entry, key = cognitive()[name], jax.random.key(0)
    agents = draw_agents(entry.model_class, dict(entry.example), n_animals, SPREAD, key=key)
    trials = simulate_cohort(
        agents, DriftingBandit(), n_sessions=n_sessions, n_trials=n_trials,
        key=jax.random.fold_in(key, 1),
    )  # fmt: skip
    kind = entry.model_class
    _, first, _ = timed(lambda: fit_hierarchical(kind, trials, key=key))
    fit, again, _ = timed(lambda: fit_hierarchical(kind, trials, key=key))
    exact, chains, compiling = timed(lambda: sample_hierarchical(kind, trials, key=key))
    print(f"{name}: {n_animals} animals, {n_sessions * n_trials} trials each")
    print("  parameter               group mean: EB, NUTS, difference (SD)"
          "   spread: EB, NUTS, difference (SD; %)     R-hat   ESS")  # fmt: skip
    fine = True
    for parameter, nuts in exact.group.items():
        ours = fit.group[parameter]
        of_mean = (ours.mean - nuts.mean) / nuts.standard_error
        of_spread = (ours.spread - nuts.spread) / nuts.spread_error
        fine &= abs(of_mean) <= 0.1 and abs(of_spread) <= 0.2
        share = ours.spread / nuts.spread - 1
        print(f"  {parameter:24s} {ours.mean:8.3f} {nuts.mean:8.3f} {of_mean:+8.2f}"
              f"   {ours.spread:8.3f} {nuts.spread:8.3f} {of_spread:+8.2f} {share:+8.0%}"
              f"  {nuts.r_hat:8.3f} {nuts.ess:8.0f}")  # fmt: skip
    ratio = (chains - compiling) / again
    print(f"  seconds: empirical Bayes {again:.2f} compiled ({first:.1f} at first), NUTS "
          f"{chains - compiling:.0f} and {compiling:.0f} of compilation: {ratio:.0f} times faster "
          f"compiled, {chains / first:.1f} times with compilation of both; "
          f"{exact.n_divergent} divergent")  # fmt: skip
    return fine and ratio >= 50


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["coverage", "speed", "nuts"])
    parser.add_argument("--cohorts", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--models", nargs="+", default=["q_learning", "dfq"])
    parser.add_argument("--sessions", type=int, default=4)
    parser.add_argument("--animals", type=int)
    parser.add_argument("--trials", type=int, default=6000)
    options = parser.parse_args()
    if options.what == "speed":
        return speed(options.animals or 24, options.trials)
    if options.what == "nuts":
        n = options.animals or 12
        fine = [against_nuts(name, n, options.sessions) for name in options.models]
        return all(fine)
    fine = [
        coverage(name, options.first, options.cohorts, options.sessions) for name in options.models
    ]
    return all(fine)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
