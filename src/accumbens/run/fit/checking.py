"""The posterior predictive check of a run, where its table says how rewards were drawn."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax

from ...credit.predictive.check import PredictiveCheck, predictive_check
from ...credit.schedule import Schedule
from ...errors import AccumbensError
from ...io.tables.format import TableFormat
from ...models.base import Model
from ...threefry import key_of
from ...trials import Trials
from ..credit.columns import columns_among, usual_columns
from ..credit.schedules import schedule_in_table, stated_schedule
from .config import FitConfig

N_REPEATS = 20
"""Simulated cohorts of each model."""


def format_with_schedule(config: FitConfig) -> TableFormat:
    """The columns of a run, and as context those that hold the probabilities of its outcomes: those
    that the options name, or those of the usual names that the table has."""
    named = columns_among(config.probabilities)
    usual = usual_columns(config.table.outcome, len(config.table.choices) or 2)
    return dataclasses.replace(
        config.table,
        context=tuple(dict.fromkeys((*config.table.context, *named))),
        optional_context=() if config.probabilities else usual,
    )


def schedule_of_run(trials: Trials, config: FitConfig) -> Schedule | None:
    """The probabilities of outcomes that the options name, or that the table holds; else None.

    Args:
        trials: read with `format_with_schedule`.
        config: options of the run.

    Raises:
        ConfigError: the options name too few or too many.
        DataError: a probability is missing, or lies outside 0 to 1.
    """
    if config.probabilities:
        return stated_schedule(trials, config.probabilities)
    return schedule_in_table(trials)


def check_of_run(
    models: Mapping[str, Model], trials: Trials, schedule: Schedule | None, config: FitConfig
) -> tuple[PredictiveCheck | None, dict[str, Any]]:
    """The check of a run's models along `trials`, and what metrics.json says of it.

    Args:
        models: those that say something of choices.
        trials: the held-out sessions, or all where none is held out.
        schedule: of these trials.
        config: options of the run.
    """
    outcomes = ", ".join(trials.names.outcomes)
    if schedule is None:
        missing = (
            f"The table does not say with which probability {outcomes or 'an outcome'} followed "
            "each choice, so models cannot be simulated in these sessions. Name the columns with "
            "--probabilities, one for each choice."
        )
        return None, {"left_out": missing}
    if not models:
        return None, {"left_out": "No model of this run says anything of choices."}
    try:
        key = key_of(jax.random.key(config.seed), "predictive check")
        check = predictive_check(models, trials, key=key, schedule=schedule, n_repeats=N_REPEATS)
    except AccumbensError as problem:
        return None, {"left_out": str(problem)}
    except Exception as error:  # hours of fitting are not lost for a check
        return None, {"left_out": f"{type(error).__name__}: {error}. Report the error, please."}
    said = {
        name: {curve: {"distance": x.distance, "p": x.p} for curve, x in curves.items()}
        for name, curves in check.models.items()
    }
    return check, {"cohorts": N_REPEATS, "models": said, "notes": check.notes}


def schedule_of_sessions(schedule: Schedule | None, all_trials: Trials, part: Trials):
    """The schedule of some of the sessions."""
    if schedule is None:
        return None
    place = {label: i for i, label in enumerate(all_trials.session_labels)}
    index = [place[label] for label in part.session_labels]
    probability = schedule.probability[index, : part.choice.shape[1]]
    return dataclasses.replace(schedule, probability=probability)
