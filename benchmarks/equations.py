"""Known agents, a disRNN each, its equations: are the terms right, and the parameters?

    python benchmarks/equations.py [--agents q_learning forgetting ...] [--sessions 40]
        [--trials 100] [--seeds 1] [--folder FITS] [--oracle]

Each agent is simulated, a disRNN is chosen by held-out folds (`select_disrnn`, plain), distilled,
and checked on sessions that nothing was fitted to. Printed for each: terms that are missing and too
many, the parameters against the truth (with the network's weights, and refitted with intervals),
the share of the network's likelihood that the equations keep, and the divergence. `--oracle`
distils the agents themselves: their equations must come back exactly. Fits in FITS are used again.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import jax
import numpy as np

import accumbens
from accumbens.fit.disrnn.selection import select_disrnn
from accumbens.mechanisms import check_equations, distill, refit_equations
from accumbens.models.base import Model
from accumbens.tasks.base import Task

BANDIT, DISTRACTOR = accumbens.DriftingBandit(), accumbens.DistractorRewards()


class Known(NamedTuple):
    """An agent and what its equations must hold.

    terms: of every latent, without the latent's name and side. parameters: name -> true value, of
    all parameters of that name (absolute value).
    """

    agent: Model
    task: Task
    terms: set[str]
    parameters: dict[str, float]


VALUE = {"own reward", "own z"}
FORGOTTEN = VALUE | {"other 1", "other z"}
AGENTS = {
    "q_learning": Known(
        accumbens.QLearning(0.3, 3.0, initial_value=0.5), BANDIT, VALUE,
        {"learning rate": 0.3, "inverse temperature": 3.0},
    ),
    "forgetting": Known(
        accumbens.QLearning(0.3, 3.0, initial_value=0.5, forgetting_rate=0.15), BANDIT, FORGOTTEN,
        {"learning rate": 0.3, "forgetting rate": 0.15, "inverse temperature": 3.0},
    ),
    "dfq_with_habit": Known(
        accumbens.with_parts(
            accumbens.DFQ(0.4, 0.2, 3.0, 0.5), perseveration=0.8, perseveration_rate=0.3
        ),
        BANDIT, FORGOTTEN | {"c 1", "z"},
        {"learning rate": 0.4, "forgetting rate": 0.2, "inverse temperature": 3.5,
         "habit rate": 0.3},
    ),
    "structure_savvy": Known(
        accumbens.StructureSavvy(0.3, 3.0), DISTRACTOR, {"own controllable", "own z"},
        {"learning rate": 0.3, "inverse temperature": 3.0},
    ),
    "structure_naive": Known(
        accumbens.StructureNaive(0.3, 3.0), DISTRACTOR,
        {"own controllable", "own distractor", "own controllable distractor", "own z"},
        {"learning rate": 0.3, "inverse temperature": 3.0},
    ),
    "two_process": Known(
        accumbens.TwoProcess(0.5, 1.5, 0.8, 0.1, -0.4, 0.1, 1.0), DISTRACTOR,
        {"c 1", "c controllable", "c distractor", "c controllable distractor", "z"},
        {"learning rate": 0.5, "inverse temperature": 3.0, "habit rate": 0.1,
         "perseveration": 1.0},
    ),
    "belief": Known(
        accumbens.BeliefAgent(0.8, 0.2, 0.05, 4.0), accumbens.ReversalBandit(), set(), {}
    ),
    "random": Known(accumbens.BiasOnly(0.0), BANDIT, set(), {}),
}  # fmt: skip


def plain_terms(found) -> set[str]:
    """The terms of all updates that are read, as `Known.terms` writes them."""
    names = set()
    for k, (equation, scale) in enumerate(zip(found.updates, found.scales, strict=True)):
        if equation.of not in found.read:
            continue
        for powers, factor, outcomes in zip(*equation.terms, strict=True):
            side = ""
            if np.array_equal(factor, [-1, 1]):
                side = "c"
            elif not (factor == 1).all():
                side = "own" if factor[scale.own] else "other"
            parts = [side] if side else []
            parts += [n for n, p in zip(found.model.outcome_names, outcomes, strict=True) if p]
            for j, power in enumerate(powers.tolist()):
                if power:
                    parts.append(("z" if j == k else "z_other") + (f"^{power}" * (power > 1)))
            words = parts if parts and parts != [side] else [*parts, "1"]
            names.add(" ".join(words))
    return names


def against_truth(found, known: Known) -> list[tuple[str, float, float, float, float]]:
    """(parameter, truth, value, low, high) of every parameter with a known value."""
    rows = []
    for of, name, _, value, low, high in found.parameter_frame().itertuples(index=False):
        short = name.split(" of ")[0]
        if short in known.parameters:
            ends = sorted((abs(low), abs(high))) if low * high > 0 else (0.0, max(-low, high))
            rows.append((f"{name} {of}", known.parameters[short], abs(value), *ends))
    return rows


def network_of(name: str, known: Known, trials, seed: int, folder: Path | None):
    stem = None if folder is None else folder / f"{name}_{trials.n_sessions}_{seed}"
    if stem is not None and stem.with_suffix(".json").is_file():
        return accumbens.load_model(stem), np.nan
    began = time.perf_counter()
    model = select_disrnn(trials, accumbens.RecipeConfig(), key=jax.random.key(seed)).model
    if stem is not None:
        stem.parent.mkdir(parents=True, exist_ok=True)
        accumbens.save_model(model, stem)
    return model, time.perf_counter() - began


def report(title: str, model: Model, known: Known, trials, test, seed: int) -> None:
    began = time.perf_counter()
    found = distill(model, trials, rng=np.random.default_rng(0))
    seconds = time.perf_counter() - began
    refitted = refit_equations(found).equations if found.read else found
    keys = {"key": jax.random.key(seed), "rng": np.random.default_rng(1)}
    check = check_equations(model, found, test, **keys, n_repeats=20, n_recovered=0)
    print(f"\n## {title}: {seconds:.1f} s, divergence {found.divergence:.2g}, of lines "
          f"{found.divergence_of_lines:.2g}; kept {check.kept:.2%}")  # fmt: skip
    print(found.text())
    if known.terms:
        terms = plain_terms(found)
        print(f"missing: {sorted(known.terms - terms)}; too many: {sorted(terms - known.terms)}")
    rows = zip(against_truth(found, known), against_truth(refitted, known), strict=True)
    for (name, truth, value, *_), (_, _, again, low, high) in rows:
        near = abs(value - truth) <= 0.1 * truth
        held = low <= truth <= high
        far, missed = "" if near else " (over 10 %)", "" if held else " MISSED"
        print(
            f"  {name}: truth {truth:g}, network {value:.3f}{far}, "
            f"refitted {again:.3f} ({low:.3f} to {high:.3f}){missed}"
        )
    for sentence in check.verdicts():
        print("  " + sentence)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--agents", nargs="+", choices=tuple(AGENTS), default=tuple(AGENTS))
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--oracle", action="store_true", help="distil the agents themselves")
    options = parser.parse_args()
    shape = {"n_sessions": options.sessions, "n_trials": options.trials}
    for name in options.agents:
        known = AGENTS[name]
        for seed in range(1, 1 + options.seeds):
            trials, test = (
                accumbens.simulate(known.agent, known.task, **shape, key=jax.random.key(k))
                for k in (seed, 1000 + seed)
            )
            if options.oracle:
                report(f"{name}, itself", known.agent, known, trials, test, seed)
                continue
            model, seconds = network_of(name, known, trials, seed, options.folder)
            report(f"{name} {seed} (fit {seconds:.0f} s)", model, known, trials, test, seed)


if __name__ == "__main__":
    main()
