"""From a table of two kinds of reward to weights, indices, exact p-values and figures.

config.toml       every option, versions and the fingerprint of the data
weights.parquet   every weight: subject (and pooled), outcome, lag, standard error, interval
weights_hierarchical.parquet   the same of each subject under the group, and of the group
indices.csv       every index: subject and group, standard error, interval, p-values
answers.csv       every test: in these animals, and in animals like these
methods.md        the statistics in the words of a methods section
null.parquet      every test's statistic at every resample, by subject
metrics.json      the numbers
made.json         when, where, by which command and how long it was made
figures/          each figure as PNG and PDF, and the numbers behind it as CSV
"""

from __future__ import annotations

import dataclasses
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from ...cores import one_thread_for_linear_algebra
from ...credit.answers import answers_to_frame
from ...credit.columns import probability_columns
from ...credit.contingency import contingency_warnings
from ...credit.history.fitted import as_model
from ...credit.history.fitting import fit_history, pooled_history
from ...credit.history.hierarchical import hierarchical_history
from ...credit.history.indices import Index, group_index, indices
from ...credit.history.usable import usable
from ...credit.randomization import (
    RandomizationTest,
    distractor_test,
    structure_test,
)
from ...credit.redrawing import effective_schedule
from ...credit.schedule import Schedule
from ...errors import DataError, expect
from ...files import folder_for_results, write_atomically
from ...io.models import save_model
from ...io.tables.formulas import csv_text
from ...io.tables.free_water import free_water_of_table
from ...io.tables.trials import from_table, write_table
from ...models.history import HistoryRegression
from ...progress.base import Progress
from ...progress.display import shown
from ...trials import Trials
from ..kinds import refuse_used
from ..provenance import fingerprint, versions, work_noted
from ..toml import write_toml
from .config import CreditConfig
from .flavours import balanced_tests, read_flavours
from .found import Credit
from .methods import credit_methods
from .metrics import credit_metrics
from .schedule_check import checked_schedule, note_on_ridge
from .schedules import schedule_in_table, stated_schedule


@one_thread_for_linear_algebra()
def run_credit(
    table: str | Path, config: CreditConfig, out: str | Path, progress: Progress | None = None
) -> Credit:
    """Analyses a table and writes weights, indices, tests and figures to a new folder.

    Args:
        table: CSV, TSV or Parquet, with one row for each trial.
        config: columns, regression and tests.
        out: folder to create.
        progress: told of resamples; by default bars at a terminal and in notebooks.

    Raises:
        ConfigError: the folder already holds a run, or an option is wrong.
        DataError: the table cannot be used.
    """
    expect(config, CreditConfig, "config", "Give CreditConfig(...).")
    folder = Path(out)
    refuse_used(out, "credit")
    trials, schedule = read_credit_trials(table, config)
    with (
        shown(progress) as progress,
        folder_for_results(folder, "run folder"),
        work_noted(folder),
    ):
        flavours = read_flavours(table, trials, config)
        found = analyse_credit(trials, schedule, config, progress, flavours)
        if water := free_water_of_table(table, config.format, option="--more-distractors"):
            found = found._replace(warnings=(water, *found.warnings))
        write_credit(found, config, str(Path(table).resolve()), folder)
    return found


def read_credit_trials(table: str | Path, config: CreditConfig) -> tuple[Trials, Schedule | None]:
    """Reads the trials of a table, and the schedule of their rewards where it is known.

    Arguments and errors are those of `run_credit`.

    Returns:
        The trials; and the schedule, None where neither the options nor the table have it.
    """
    trials = from_table(table, config.format)
    if config.probabilities:
        return trials, stated_schedule(trials, config.probabilities)
    return trials, schedule_in_table(trials) if len(config.outcomes) > 1 else None


def analyse_credit(
    trials: Trials,
    schedule: Schedule | None,
    config: CreditConfig,
    progress: Progress | None = None,
    flavours: Mapping[str, str] | None = None,
) -> Credit:
    """Analyses trials: regression, indices and, with a schedule, randomization tests.

    Args:
        trials: with the controllable reward as first outcome, and distractors as further ones.
        schedule: the probabilities of the outcomes; without it there are no tests.
        config: regression and tests.
        progress: told of resamples.
        flavours: of the controllable reward of each subject, by its name (see `read_flavours`).
    """
    trials, schedule, unused = usable(trials, schedule)
    came_with = schedule and effective_schedule(trials, schedule, config.baited)
    calibration, wrong = checked_schedule(trials, came_with, config.trust_schedule)
    notes, names = (*unused, *contingency_warnings(trials), *wrong), trials.names.outcomes
    if len(names) > 1 and schedule is None:
        first, *further = (probability_columns(name, trials.n_choices) for name in names)
        usual = ", ".join((*first[1:], *(columns[0] for columns in further)))
        notes += (
            "The probabilities of the rewards are not known, so there are no randomization tests. "
            f"Give {trials.n_choices + len(further)} of them with --probabilities, or name their "
            f"columns {usual}.",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # each fit keeps its warnings
        fits = fit_history(trials, config.lags, ridge=config.ridge)
        pooled = pooled_history(trials, config.lags, ridge=config.ridge)
    hierarchical = None
    if config.animals == "hierarchical":
        hierarchical = hierarchical_history(trials, config.lags)
        notes += hierarchical.warnings
    rng = np.random.default_rng(config.seed)
    found, by_name = [], {}
    progress = progress or Progress()
    for fit in progress.each("session bootstrap", fits):
        try:
            of_subject = indices(fit, n_draws=config.bootstrap, rng=rng)
        except DataError as error:
            notes += (str(error),)
            continue
        found += of_subject
        for index in of_subject:
            by_name.setdefault(index.name, []).append(index)
    found += [group_index(name, of) for name, of in by_name.items()]
    notes += tuple(note for index in found if (note := _rests_on(index, len(fits))))
    notes += tuple(note for fit in (*fits, pooled) for note in fit.warnings)
    single = [fit.subject for fit in fits if fit.unit == "trial"]
    if single:
        notes += (
            f"There is one session of {', '.join(single)}, so nothing is known of how sessions "
            "differ: standard errors of weights take trials as independent, which is too little "
            "where sessions differ, and indices have no interval.",
        )
    tests = _tests(trials, schedule, config, progress)
    notes += note_on_ridge(config.ridge, bool(tests))
    notes += tuple(note for test in tests if (note := test.nothing_to_redraw()))
    notes += tuple(dict.fromkeys(test.note for test in tests if test.note))
    balanced, why = balanced_tests(tests, flavours)
    notes += why
    return Credit(
        trials,
        schedule,
        fits,
        pooled,
        tuple(found),
        tests,
        notes,
        config.animals,
        hierarchical,
        calibration,
        balanced,
    )


def _rests_on(index: Index, n_fits: int) -> str:
    """In words, on how many subjects the index of the group rests, where some have none."""
    if index.subject != "group" or index.n_subjects == n_fits:
        return ""
    return (
        f"The group's {index.name} index rests on {index.n_subjects} of {n_fits} subjects: the "
        "others have none. The exact p-values of the group rest on all of them, because choosing "
        "subjects by their outcomes would spoil them."
    )


def _tests(
    trials: Trials, schedule: Schedule | None, config: CreditConfig, progress: Progress
) -> tuple[RandomizationTest, ...]:
    if schedule is None:
        return ()
    return tuple(
        test(
            trials, schedule, seed=config.seed, distractor=distractor, n_lags=config.lags,
            resamples=config.resamples, ridge=0.0 if config.ridge == "cv" else config.ridge,
            progress=progress, trust_schedule=True,  # it has been checked
            reversals=config.rule, baited=config.baited,
        )
        for distractor in trials.names.outcomes[1:]
        for test in (distractor_test, structure_test)
    )  # fmt: skip


def write_credit(found: Credit, config: CreditConfig, table: str, folder: Path) -> None:
    """Writes all files of an analysis; metrics.json last."""
    from ...figures.credit.all import draw_credit_figures

    about = {
        "kind": "credit", "table": table, "fingerprint": fingerprint(found.trials),
        "versions": versions(),
    }  # fmt: skip
    weights = pd.concat([fit.to_frame() for fit in (*found.fits, found.pooled)])
    write_table(weights.reset_index(drop=True), folder / "weights.parquet")
    if found.hierarchical is not None:
        write_table(found.hierarchical.to_frame(), folder / "weights_hierarchical.parquet")
    save_model(_model(found), folder / "models" / "history")
    write_atomically(folder / "indices.csv", csv_text(found.to_frame()).encode())
    if found.tests:
        write_table(_null_frame(found.tests), folder / "null.parquet")
        write_atomically(folder / "answers.csv", csv_text(answers_to_frame(found.answers)).encode())
    draw_credit_figures(
        found.trials, found.fits, list(found.indices), list(found.tests), folder / "figures",
        schedule=found.schedule,
    )  # fmt: skip
    write_toml(folder / "config.toml", config, about)
    metrics = credit_metrics(found, config.trust_schedule)
    write_atomically(folder / "methods.md", credit_methods(metrics, config).encode())
    content = json.dumps(metrics, indent=1, allow_nan=False)
    write_atomically(folder / "metrics.json", content.encode())


def _model(found: Credit) -> HistoryRegression:
    """The regression of each subject; of those that were left out, that of all others together."""
    of_level = found.fits if found.hierarchical is None else found.hierarchical.fits
    own = {} if found.animals == "pooled" else {fit.subject: fit for fit in of_level}
    names = found.trials.names.subjects
    each = [own.get(name, dataclasses.replace(found.pooled, subject=name)) for name in names]
    return as_model(each, names)


def _null_frame(tests: tuple[RandomizationTest, ...]) -> pd.DataFrame:
    parts = []
    for test in tests:
        n, m = test.null.shape
        parts.append(
            pd.DataFrame(
                {
                    "test": test.name,
                    "resample": np.repeat(np.arange(n), m),
                    "subject": np.tile(np.array(test.subjects, object), n),
                    "statistic": test.null.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
