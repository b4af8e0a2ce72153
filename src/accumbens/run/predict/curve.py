"""How well new subjects are predicted, by the number of sessions that describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool

from ...models.base import Model
from ...models.catalogue import find_fit
from ...progress.base import Progress
from ...trials import Trials
from ..fit.folder import Run
from ..fit.known import KnownData
from .config import PredictConfig
from .newcomers import NewSubjects, described_models
from .scores import scores_on

if TYPE_CHECKING:
    import pandas as pd

ONE_BY_ONE = 8
"""Up to so many sessions, each number is tried; beyond, it doubles."""


def sessions_tried(most: int) -> list[int]:
    """0, 1, 2, ...; beyond `ONE_BY_ONE` sessions 0, 1, 2, 4, 8, ..., and always the most."""
    if most <= ONE_BY_ONE:
        return list(range(most + 1))
    doubled = [2**i for i in range(most.bit_length()) if 2**i < most]
    return [0, *doubled, most]


def sessions_seen_table(
    models: dict[str, Model], new: NewSubjects, run: Run, trials: Trials, known: KnownData,
    scored: Bool[np.ndarray, " session"], config: PredictConfig, progress: Progress,
) -> pd.DataFrame | None:  # fmt: skip
    """Scores on the same sessions of the new subjects, whatever number of others describes them.

    A subject with fewer describing sessions than the number takes all of them.

    Args:
        models: of the run, by name.
        new: the new subjects and the sessions that describe them.
        run: whose models these are.
        trials: of the new table.
        known: what the models know of the run's table.
        scored: whether each session is scored.
        config: of the bootstrap.
        progress: told of the numbers tried.

    Returns:
        A table with columns sessions_seen, model, signal ("" for metrics of choices), metric,
        value, low, high; None where no session describes a new subject.
    """
    import pandas as pd

    if not new.most:
        return None
    theirs = scored & np.isin(trials.subject, new.numbers)
    tried, parts = sessions_tried(new.most), []
    with progress.task("sessions seen", len(tried)) as task:
        for i, n in enumerate(tried):
            described = described_models(models, new, run, trials, known, n)
            said = {name: (m, find_fit(name).predicts_choices) for name, m in described.items()}
            part = scores_on(said, trials, theirs, config).to_frame()
            part.insert(0, "sessions_seen", n)
            parts.append(part)
            task.update(i + 1)
    return pd.concat(parts, ignore_index=True)
