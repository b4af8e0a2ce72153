"""Runs in sets: those that are to be compared, each the mean of its runs on every session."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ...errors import ConfigError, DataError
from ...scoring.metrics import SessionSums, normalized_likelihood, pooled
from ...summary import listed
from ...trials import Trials, concatenate
from .scored import ScoredRun

OF_MODELS = ("log_likelihood", "squared_error")
"""Sums that depend on the model; the others are of the data alone."""


@dataclasses.dataclass(frozen=True)
class RunSet:
    """Some runs that are compared as one, such as fits from several starts or of all folds.

    Attributes:
        name: what they share, or the name of the only run.
        runs: that are in it.
    """

    name: str
    runs: tuple[ScoredRun, ...]

    @property
    def sessions(self) -> dict[str, str]:
        """The scored trials and choices of each session as text, by its label.

        Raises:
            DataError: two runs scored other trials of one session.
        """
        found: dict[str, str] = {}
        for run in self.runs:
            for label, content in run.sessions.items():
                if found.setdefault(label, content) != content:
                    raise DataError(
                        f"The runs of {self.name} did not score the same trials, or choices, of "
                        f"session {label} ({run.path} and an earlier one): the table has changed, "
                        "or their options say which trials are scored. Compare runs of one table."
                    )
        return found

    @property
    def models(self) -> tuple[str, ...]:
        """Models that all its runs have."""
        first, *rest = self.runs
        return tuple(name for name in first.sums if all(name in run.sums for run in rest))

    def sums(self, model: str, of_data: SessionSums, labels: Sequence[str]) -> SessionSums:
        """A model's sums of each session, each the mean over the runs that scored it.

        Args:
            model: that all runs have.
            of_data: sums of any model over the same sessions, for what all models share.
            labels: of the sessions, in the order that is wanted.
        """
        found: dict[str, list[dict[str, np.ndarray]]] = {label: [] for label in labels}
        for run in self.runs:
            for i, label in enumerate(run.trials.session_labels):
                found[label].append({f: getattr(run.sums[model], f)[i] for f in OF_MODELS})
        means = {
            field: np.stack([
                np.mean([own[field] for own in found[label]], axis=0) for label in labels
            ])
            for field in OF_MODELS
        }  # fmt: skip
        return of_data._replace(**means)

    def scores(self, model: str) -> list[float]:
        """Normalized likelihood of a model in each run, over the sessions that the run scored."""
        return [float(normalized_likelihood(pooled(run.sums[model]))[0]) for run in self.runs]


def same_sessions(sets: Sequence[RunSet]) -> Trials:
    """The trials that all sets have scored, each session once.

    Args:
        sets: to be compared.

    Raises:
        DataError: they did not score the same trials; says which sessions, of which set.
    """
    first, *rest = sets
    own = first.sessions
    for other in rest:
        theirs = other.sessions
        for here, there, mine, its in (
            (first, other, own, theirs), (other, first, theirs, own)
        ):  # fmt: skip
            missing = [label for label in mine if label not in its]
            if missing:
                raise DataError(
                    f"{here.name} and {there.name} did not score the same trials, so they cannot "
                    f"be compared in pairs: {here.name} scored {len(mine):,} sessions, of which "
                    f"{there.name} did not score {len(missing):,} ({listed(missing)}). Fit them "
                    "with the same held-out sessions (--split), or predict the same new sessions "
                    "by both (accumbens predict)."
                )
        changed = [label for label in own if own[label] != theirs[label]]
        if changed:
            raise DataError(
                f"{first.name} and {other.name} did not score the same trials, so they cannot be "
                f"compared in pairs: in {len(changed):,} sessions ({listed(changed)}) the scored "
                "trials, or the choices made in them, are others. The table has changed between "
                "the runs, or their options say which trials are scored."
            )
    whole = concatenate([run.trials for run in first.runs])
    _, index = np.unique(np.array(whole.session_labels), return_index=True)
    return whole.select_sessions(sorted(index.tolist()))


def with_signals(run: ScoredRun, names: Sequence[str]) -> ScoredRun:
    """The run with these signals alone.

    Args:
        run: that has them all.
        names: of the signals to keep, in this order.
    """
    columns = [run.trials.names.signals.index(name) for name in names]
    kept = {
        model: sums._replace(**{
            field: getattr(sums, field)[:, columns]
            for field in ("squared_error", "n_signal", "signal", "signal_squared")
        })
        for model, sums in run.sums.items()
    }  # fmt: skip
    return run._replace(trials=run.trials.select_signals(tuple(names)), sums=kept)


def set_names(paths: Sequence[Path], by: Sequence[Mapping[str, str]]) -> list[str]:
    """What each run's set is called: by the options that tell sets apart, else by its folder.

    Args:
        paths: of the runs.
        by: of each run, the options that tell sets apart and their values; none: each run is a
            set of its own.

    Raises:
        ConfigError: a run is named twice.
    """
    if any(by):
        last = [key.rpartition(".")[2] for key in by[0]]
        keys = last if len(set(last)) == len(last) else list(by[0])
        return [
            ", ".join(f"{k}={v}" for k, v in zip(keys, own.values(), strict=True)) for own in by
        ]
    real = [path.resolve() for path in paths]
    twice = next((path for i, path in enumerate(paths) if real[i] in real[:i]), None)
    if twice is not None:
        raise ConfigError(f"{twice} is named twice. Name each run once.")
    short = [path.resolve().name for path in paths]
    unique = len(set(short)) == len(short)
    return short if unique else [str(path) for path in paths]
