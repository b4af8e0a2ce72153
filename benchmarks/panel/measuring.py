"""One row measured: the plain fit of a table, and what it is to be compared with.

The plain fit is `run_fit` with the columns and nothing else: what `accumbens fit TABLE` does, but
that sessions to hold out are counted over all subjects, as they were when the panel was drawn. Its
seconds, processor seconds and memory are taken before anything else is fitted. Memory is the most
that this process ever held, so every row needs a process of its own.
"""

from __future__ import annotations

import dataclasses
import os
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from accumbens.errors import AccumbensError
from accumbens.fit import fit_gru
from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.base import Model
from accumbens.models.bias import BiasOnly
from accumbens.models.catalogue import NamedFit, find_fit, named_fits
from accumbens.progress.base import Progress
from accumbens.run.finite import without_nan
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import Run
from accumbens.run.fit.pipeline import read_trials, run_fit
from accumbens.run.toml import read_toml
from accumbens.scoring.comparison import Difference, compare
from accumbens.scoring.metrics import predict
from accumbens.scoring.splits import apply_split
from accumbens.threefry import key_of
from accumbens.trials import Trials
from synthetic import quality

from .agents import GENERATORS
from .rows import Row
from .sources import Source, source_of

OF_0_1_0 = ("bias", "q_learning", "dfq_choice", "actor_critic")
OF_0_1_0_WITH_TWO_OUTCOMES = (
    "structure_naive", "structure_savvy", "structure_mixture", "two_process",
)  # fmt: skip
START_VALUE = {"initial_value": 0.5}
"""Version 0.1.0 held the value before the first trial here, unless asked to fit it."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to measure beside the plain fit. gru: a GRU too. all_cognitive: every cognitive model of
    the catalogue too. config: TOML file of options, to try another procedure than the plain one."""

    data: str
    gru: bool = False
    all_cognitive: bool = False
    config: str | None = None


def measured(row: Row, wanted: Wanted, folder: Path) -> dict[str, Any]:
    """The row as a record of plain numbers. folder: for the table and the run."""
    source = source_of(row, Path(wanted.data), folder)
    config = config_of(row, source, wanted)
    began, used = time.monotonic(), cpu_seconds()
    run = run_fit(source.table, config, folder / "run", Progress())
    seconds: dict[str, Any] = {"run": time.monotonic() - began, "cpu": cpu_seconds() - used}
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    began = time.monotonic()
    trials = read_trials(source.table, config)
    train, test = apply_split(run.split, trials)
    key = jax.random.key(config.seed)
    models, failed = opponents(run, train, key, wanted)
    if source.agent is not None:
        models["agent"] = source.agent
    of_0_1_0 = [n for n in (*OF_0_1_0, *OF_0_1_0_WITH_TWO_OUTCOMES) if n in models]
    sets = {"cognitive_0_1_0": of_0_1_0, "bias": ["bias"]}
    sets |= {name: [name] for name in ("agent", "gru") if name in models}
    if wanted.all_cognitive:
        sets["cognitive"] = [n for n in models if find_method(n) == "likelihood"]
    metrics = run.metrics
    seconds["opponents"] = time.monotonic() - began
    record = {
        "parameters": source.parameters,
        "sessions": trials.n_sessions,
        "training_sessions": train.n_sessions,
        "training_trials": int(train.scored.sum()),
        "test_trials": int(test.scored.sum()),
        **compared(models, test, sets),
        "not_fitted": failed,
        "open_latents": len(metrics["open_latents"]),
        "state_variables": state_variables(row),
        "selection": numbers_and_words(metrics["models"]["disrnn"]["fit"].get("selection", {})),
        "signals": signal_errors(metrics),
        "verdict": (metrics["verdict"] or {"choice": {}})["choice"].get("outcome"),
        "warnings": metrics["warnings"],
        "seconds": seconds | {f"disrnn {k}": s for k, s in metrics["seconds"]["disrnn"].items()},
        "memory_gib": memory,
    }
    if row.group == "demonstration":
        found = quality(run.model("disrnn"), test, seconds=seconds["run"])
        record["recovered"] = found._asdict() | {"met": found.met}
    return without_nan(record)


def config_of(row: Row, source: Source, wanted: Wanted) -> FitConfig:
    """The plain options, or those of a file, with the columns of the table and the split of the
    panel. The dopamine of a demonstration stays in its own unit, in which its criteria are."""
    config = read_toml(FitConfig, wanted.config) if wanted.config else FitConfig()
    split = dataclasses.replace(config.split, count="all-sessions")
    config = dataclasses.replace(config, table=source.columns, split=split)
    if row.group == "demonstration":
        assert row.draw is not None
        config = dataclasses.replace(config, signal_scale="none", seed=row.draw)
    return config


def opponents(
    run: Run, train: Trials, key: Any, wanted: Wanted
) -> tuple[dict[str, Model], dict[str, str]]:
    """The disRNN of the run and all models that it is to be compared with, by name, fitted to the
    same sessions; and why a model could not be fitted, by name."""
    models: dict[str, Model] = {"disrnn": run.model("disrnn")}
    failed: dict[str, str] = {}
    for name, fit in wanted_fits(len(train.names.outcomes), wanted).items():
        fixed = {}
        if name in OF_0_1_0 and "initial_value" in fit.model.model_class.parameters:
            fixed = START_VALUE
        try:
            if name == "bias":
                models[name] = BiasOnly.from_trials(train)
            elif fit.model.method == "gru":
                models[name] = fit_gru(train, FitConfig().gru, key=key_of(key, name))[0]
            else:
                models[name] = fit_maximum_likelihood(
                    fit.model.model_class, train, key=key_of(key, fit.name), fixed=fixed
                ).model
        except AccumbensError as problem:
            failed[name] = str(problem)
    return models, failed


def wanted_fits(n_outcomes: int, wanted: Wanted) -> dict[str, NamedFit]:
    """What to fit, by the name that the record has. Where all cognitive models are wanted, those
    that 0.1.0 fitted otherwise are there twice: `q_learning` as it did, `q_learning now`."""
    names = OF_0_1_0 if n_outcomes < 2 else (*OF_0_1_0, *OF_0_1_0_WITH_TWO_OUTCOMES)
    fits = {name: find_fit(name) for name in names}
    if wanted.all_cognitive:
        for name, fit in named_fits().items():
            suited = fit.model.n_outcomes <= n_outcomes and not fit.needs_signal
            if fit.model.method == "likelihood" and suited:
                changed = name in fits and "initial_value" in fit.model.model_class.parameters
                fits.setdefault(f"{name} now" if changed else name, fit)
    return fits | ({"gru": find_fit("gru")} if wanted.gru else {})


def find_method(name: str) -> str:
    """How the model of that name in a record is fitted; "" for the agent."""
    return "" if name == "agent" else find_fit(name.removesuffix(" now")).model.method


def compared(
    models: Mapping[str, Model], test: Trials, sets: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    """Held-out normalized likelihoods, and the disRNN less the best model of each set."""
    said = {name: predict(model, test) for name, model in models.items()}

    def against(reference: str) -> Difference:
        pair = {name: said[name] for name in ("disrnn", reference)}
        rng = np.random.default_rng(0)
        return compare(pair, test, rng=rng, reference=reference).differences["disrnn"]

    scores = compare(said, test, rng=np.random.default_rng(0), n_draws=1).models
    likelihood = {name: score.normalized_likelihood.value for name, score in scores.items()}
    differences = {}
    for label, names in sets.items():
        best = max(names, key=likelihood.__getitem__)
        found = against(best)
        differences[label] = {
            "model": best,
            "difference": list(found.normalized_likelihood),
            "nats": list(found.log_likelihood),
        }
    return {"likelihood": likelihood, "against": differences}


def state_variables(row: Row) -> int | None:
    """How many latents there are to find; None where nobody knows."""
    if row.group == "demonstration":
        return GENERATORS["q_learning"].variables
    return GENERATORS[row.name].variables if row.group == "agent" else None


def signal_errors(metrics: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Held-out mean squared error of each signal, by signal and model of the run."""
    found: dict[str, dict[str, float]] = {}
    for name, model in metrics["models"].items():
        for signal, score in model["signal"].items():
            found.setdefault(signal, {})[name] = score["mse"]
    return found


def numbers_and_words(record: Mapping[str, Any]) -> dict[str, Any]:
    """What a record says in one number or word each, and the open latents of the folds."""
    short = {k: v for k, v in record.items() if v is None or isinstance(v, str | int | float)}
    folds = {k: v for k, v in record.items() if k == "open_latents_of_folds"}
    return short | folds


def cpu_seconds() -> float:
    """Of all threads of this process, and of the processes that it waited for."""
    return sum(os.times()[:4])
