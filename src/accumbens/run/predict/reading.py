"""New trials as the models of a run see them: its subjects, choices and units of signals."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ...errors import ConfigError, DataError
from ...io.tables.files import open_table
from ...io.tables.format import TableFormat
from ...io.tables.spelling import SAY, alike, alike_of
from ...io.tables.trials import from_table
from ...scoring.splits import order_sessions
from ...trials import Trials
from ..fit.folder import Run
from ..fit.known import KnownData, standardised_before_fitting
from ..fit.pipeline import read_run_table
from ..provenance import fingerprint


class NewTrials(NamedTuple):
    """Trials of a new table, ready for the models of a run.

    Attributes:
        trials: sessions in order of subject and session; subjects numbered as in the run, those
            that it does not know after them; outcomes and signals named as in the run.
        unmeasured: the run's signals that the table does not have; NaN on every trial.
    """

    trials: Trials
    unmeasured: tuple[str, ...]


def known_data(run: Run) -> KnownData:
    """What the models of a run know of its table.

    A run of 0.1.0 did not write it down; then the table is read again.

    Raises:
        DataError: the run did not write it down, and its table is gone or has changed.
    """
    config = run.config
    scaled = standardised_before_fitting(run.about, config.signal_scale)
    signals = config.table.signal if scaled else ()
    found = KnownData.from_tables(run.about, signals)
    if found is not None:
        return found
    table = run.about["table"]
    advice = (
        "The run was made by a version that did not write down the order of its subjects and the "
        "units of its signals, so its table is needed. Bring it back, or fit again."
    )
    if not Path(table).is_file():
        raise DataError(f"The table of the run in {run.folder.path} is not at {table}. {advice}")
    trials, found, _ = read_run_table(table, config, standardised=scaled)
    if fingerprint(trials) != run.about["fingerprint"]:
        raise DataError(f"{table} has changed since the run in {run.folder.path}. {advice}")
    return found


def read_new_trials(
    table: str | Path, format: TableFormat, run: Run, known: KnownData
) -> NewTrials:
    """Reads a table for the models of a run.

    Signals keep their unit, as the models predict them. For a run of 0.1.0 they are standardised by
    the mean and SD of its own table, where those of the run were.

    Args:
        table: CSV, TSV or Parquet.
        format: its columns. Signals that have the run's own names may be missing.
        run: whose models are to predict.
        known: what they know of the run's table.

    Raises:
        ConfigError: the run has another number of outcomes or signals.
        DataError: the table cannot be used.
    """
    own = run.config.table
    for what, given, wanted in (
        ("outcome", format.outcome, own.outcome), ("signal", format.signal, own.signal),
    ):  # fmt: skip
        if len(given) != len(wanted):
            raise ConfigError(
                f"The run has the {what}s {', '.join(wanted) or 'none'}, and here are "
                f"{', '.join(given) or 'none'}. Name as many, in the order of the run's "
                f"(--{what})."
            )
    signals = format.signal
    if signals and signals == own.signal:
        columns = set(open_table(table, wanted=lambda labels: ()).labels)
        signals = tuple(name for name in signals if name in columns)
    choices = format.choices or known.choices
    trials = from_table(table, dataclasses.replace(format, signal=signals, choices=choices))
    trials = trials.select_sessions(order_sessions(trials))
    measured = np.full((*trials.choice.shape, len(own.signal)), np.nan)
    for i, name in enumerate(format.signal):
        if name in signals:
            measured[:, :, i] = trials.signal[:, :, signals.index(name)]
    if not format.labels_differ:
        _check_spelling(trials, known, run)
    trials = _numbered_as(trials, known).with_signals(measured, own.signal)
    if known.scaling is not None:
        trials = known.scaling.applied(trials)
    names = dataclasses.replace(trials.names, outcomes=own.outcome)
    missing = tuple(name for name in format.signal if name not in signals)
    return NewTrials(dataclasses.replace(trials, names=names), missing)


def _check_spelling(trials: Trials, known: KnownData, run: Run) -> None:
    """Raises DataError where a new subject looks like one of the run, but is spelled otherwise."""
    own = {trials.names.subjects[i] for i in trials.subject}
    new = sorted(own - set(known.subjects))
    groups = [g for g in alike([*known.subjects, *new]) if set(g) & set(new)]
    if groups:
        raise DataError(
            f"The run in {run.folder.path} and the table: {alike_of('subjects', groups)}. Write "
            f"each as the run does, or say that they do differ ({SAY})."
        )


def _numbered_as(trials: Trials, known: KnownData) -> Trials:
    """The same trials with the run's numbers of subjects; new ones follow, in order of sessions."""
    own = [trials.names.subjects[i] for i in trials.subject]
    new = dict.fromkeys(name for name in own if name not in known.subjects)
    subjects = (*known.subjects, *new)
    number = {name: i for i, name in enumerate(subjects)}
    return dataclasses.replace(
        trials,
        subject=np.array([number[name] for name in own], trials.subject.dtype),
        names=dataclasses.replace(trials.names, subjects=subjects),
    )
