"""The scored trials of a run and what its models said of them, from the run's own folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ...errors import ConfigError, DataError
from ...io.tables.choice_codes import code_key
from ...io.tables.format import TableFormat
from ...io.tables.trials import from_table, read_table
from ...scoring.metrics import Predictions, SessionSums, session_sums
from ...scoring.scored import scored_trials_hash
from ...trials import Trials
from ..fit.records import HELD_OUT
from ..index.choosing import rows_where
from ..kinds import kind_of
from ..stored import read_json

if TYPE_CHECKING:
    import pandas as pd

KINDS_WITH_SCORES = ("fit", "predict")
PREDICTIONS = "predictions.parquet"
_OUTCOME = "accumbens outcome"
"""A column for the reader of tables, which wants an outcome; scores do not need it."""


class ScoredRun(NamedTuple):
    """A run's scored sessions.

    Attributes:
        path: of the run.
        trials: the scored sessions.
        sums: of each session, by the name of the model.
        held_out: whether the models were fitted to other sessions.
        trials_hash: which trials were scored (see `scored_trials_hash`).
    """

    path: Path
    trials: Trials
    sums: dict[str, SessionSums]
    held_out: bool
    trials_hash: str

    @property
    def sessions(self) -> dict[str, str]:
        """The scored trials and choices of each session as text, by its label."""
        found = {}
        for i, label in enumerate(self.trials.session_labels):
            scored = self.trials.scored[i]
            number, choice = self.trials.number[i][scored], self.trials.choice[i][scored]
            found[label] = json.dumps([number.tolist(), choice.tolist()])
        return found


def read_scored(path: str | Path, signals: Sequence[str] | None = None) -> ScoredRun:
    """Reads a fit, or predictions of new sessions.

    Args:
        path: of the folder.
        signals: names of the signals to score; by default those that any model predicts.

    Raises:
        ConfigError: the folder holds a result of another kind.
        DataError: there is no result, it is not finished, or its files do not belong together.
    """
    folder = Path(path)
    kind = kind_of(folder)
    if kind.name not in KINDS_WITH_SCORES:
        raise ConfigError(
            f"{folder} holds a result of {kind.command}, which scores no models. Compare folders "
            "that accumbens fit or accumbens predict wrote."
        )
    metrics = read_json(folder / "metrics.json")
    if not (folder / PREDICTIONS).is_file():
        raise DataError(
            f"{folder} has no {PREDICTIONS}, which says what its models predict of each trial. "
            "Copy the whole folder, or fit again."
        )
    try:
        return _scored(folder, metrics, read_table(folder / PREDICTIONS), signals)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{folder} is damaged: {PREDICTIONS} does not hold what {kind.command} writes "
            f"({type(error).__name__}: {str(error)[:200]}). Copy it again, or run it again."
        ) from error


def _scored(
    folder: Path, metrics: Mapping[str, Any], frame: pd.DataFrame, signals: Sequence[str] | None
) -> ScoredRun:
    models = metrics["models"]
    own = list(dict.fromkeys(s for model in models.values() for s in model["signal"]))
    signals = [s for s in own if signals is None or s in signals]
    held_out = bool(frame[HELD_OUT].any())
    if held_out:
        frame = rows_where(frame, map(bool, frame[HELD_OUT])).reset_index(drop=True)
    codes = _codes(list(frame.columns), list(models))
    made = list(frame["choice"].dropna().unique())
    format = TableFormat(
        outcome=(_OUTCOME,), signal=tuple(signals), choices=_typed(codes, made), labels_differ=True,
        instructed="instructed" if "instructed" in frame.columns else None,
    )  # fmt: skip
    frame[_OUTCOME] = 0.0
    trials = from_table(frame, format)
    found = scored_trials_hash(trials)
    said = metrics["data"].get("scored_trials_hash", found)
    if said != found:
        raise DataError(
            f"{folder}: {PREDICTIONS} holds other scored trials than metrics.json says ({found} "
            f"and {said}). Copy the folder again, or fit again."
        )
    sums = {
        name: session_sums(_predictions(frame, name, codes, trials, bool(model["signal"])), trials)
        for name, model in models.items()
    }
    return ScoredRun(folder, trials, sums, held_out, found)


def _codes(columns: Sequence[str], models: Sequence[str]) -> list[str]:
    """The choices in their order, as text: what follows `<model>.p_` in the columns."""
    for model in models:
        start = f"{model}.p_"
        first = next((i for i, column in enumerate(columns) if column.startswith(start)), None)
        if first is not None:
            rest = columns[first:]
            n = next((i for i, c in enumerate(rest) if not c.startswith(start)), len(rest))
            return [column.removeprefix(start) for column in rest[:n]]
    return []


def _typed(codes: Sequence[str], made: Sequence[Any]) -> tuple[Any, ...]:
    """The codes as the column of choices has them: the number 1, not the text. made: those that
    it has."""
    plain = (value.item() if isinstance(value, np.generic) else value for value in made)
    values = {code_key(value): value for value in plain}

    def of(code: str) -> Any:
        if all(isinstance(value, str) for value in values.values()):
            return code
        if code in ("True", "False"):
            return code == "True"
        number = float(code)
        return values.get(code_key(number), int(number) if number.is_integer() else number)

    return tuple(of(code) for code in codes)


def _predictions(
    frame: pd.DataFrame, model: str, codes: Sequence[str], trials: Trials, of_signals: bool
) -> Predictions:
    """What a model said of each trial; choices at chance where it says nothing of them."""
    n = len(codes) or trials.n_choices
    logits = np.zeros((*trials.choice.shape, n))
    signals = np.zeros((*trials.choice.shape, len(trials.names.signals) if of_signals else 0))
    rows = trials.in_session
    for i, code in enumerate(codes):
        column = f"{model}.p_{code}"
        if column in frame.columns:
            p = frame[column].to_numpy(float)
            logits[rows, i] = np.log(np.maximum(p, np.finfo(np.float32).tiny))
    for i, signal in enumerate(trials.names.signals if of_signals else ()):
        long = f"{model}.signal.{signal}"
        column = long if long in frame.columns else f"{model}.{signal}"
        signals[rows, i] = frame[column].to_numpy(float)
    return Predictions(logits, signals)
