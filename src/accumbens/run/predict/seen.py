"""Which sessions of a new table the models of a run were fitted to."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from ...io.tables.format import TableFormat
from ...io.tables.trials import from_table
from ...trials import Trials
from ..fit.folder import Run
from ..fit.known import KnownData

MIN_TRIALS = 20
"""Trials from which on two sessions with the same choices and outcomes are one session; in fewer,
chance may have made them alike."""


class Seen(NamedTuple):
    """What of new trials a run was fitted to.

    Attributes:
        fitted: whether the run was fitted to each session.
        renamed: labels of those that have another label in the run.
        namesakes: labels of sessions that have the label of a fitted session, and other trials.
    """

    fitted: Bool[np.ndarray, " session"]
    renamed: tuple[str, ...]
    namesakes: tuple[str, ...]


def sessions_seen(run: Run, trials: Trials, known: KnownData) -> Seen:
    """Compares new sessions with those that a run was fitted to, by label, choices and outcomes.

    Where the run's folder has lost its predictions, which hold its trials, labels alone decide.

    Args:
        run: with its split.
        trials: as `read_new_trials` gives them.
        known: what the models know of the run's table.
    """
    labels = np.array(trials.session_labels)
    by_label = np.isin(labels, run.split.train)
    if not run.folder.predictions.is_file():
        return Seen(by_label, (), ())
    frame = run.predictions()
    format = TableFormat(
        outcome=run.config.table.outcome, choices=known.choices,
        instructed="instructed" if "instructed" in frame.columns else None,
    )  # fmt: skip
    of_run = from_table(frame, format)
    train = set(run.split.train)
    content = {
        label: digest
        for label, digest in zip(of_run.session_labels, _digests(of_run), strict=True)
        if label in train
    }
    digests = _digests(trials)
    same = np.array([content.get(label) == d for label, d in zip(labels, digests, strict=True)])
    fitted_content = set(content.values())
    alike = np.array([digest in fitted_content for digest in digests])
    renamed = alike & ~same & (trials.valid.sum(1) >= MIN_TRIALS)
    fitted = (by_label & same) | renamed
    namesakes = by_label & ~fitted
    return Seen(fitted, tuple(labels[renamed].tolist()), tuple(labels[namesakes].tolist()))


def _digests(trials: Trials) -> list[str]:
    """A hash of the choices and outcomes of each session."""
    found = []
    for i in range(trials.n_sessions):
        made = trials.valid[i]
        outcome = np.ascontiguousarray(trials.outcome[i][made], np.float32)
        choice = np.ascontiguousarray(trials.choice[i][made], np.int32)
        found.append(hashlib.sha256(choice.tobytes() + b"/" + outcome.tobytes()).hexdigest())
    return found
