"""Sessions, or animals, left out one by one of the cognitive models of a run."""

from __future__ import annotations

from typing import Any

from jaxtyping import PRNGKeyArray

from ...errors import AccumbensError, ConfigError
from ...fit.leave_one_out import check_leaving_out, leave_one_animal_out, leave_one_session_out
from ...fit.left_out import LeaveOneOut
from ...io.tables.trials import write_table
from ...progress.base import Progress
from ...threefry import key_of
from ...trials import Trials
from .config import FitConfig
from .folder import RunFolder
from .levels import cognitive_fits, free_of, level_of


def check_left_out(trials: Trials, config: FitConfig) -> None:
    """Raises ConfigError where no model of the run can be fitted without a session or an animal,
    DataError where there are too few of these: before anything is fitted."""
    if config.leave_out == "none":
        return
    if not cognitive_fits(trials, config):
        raise ConfigError(
            "leave_out is for cognitive models, and models has none that these trials suit. Add "
            "one, such as dfq_choice. Networks are left to --split.folds."
        )
    check_leaving_out(trials, config.leave_out, level_of(config, trials))


def left_out_of_run(
    folder: RunFolder, trials: Trials, config: FitConfig, key: PRNGKeyArray, progress: Progress
) -> dict[str, Any]:
    """What metrics.json holds under `leave_one_out`; leave_one_out.csv has a row for each model and
    each session, or animal.

    trials: all sessions, since each fit has held-out ones of its own.
    """
    import pandas as pd

    out = leave_one_session_out if config.leave_out == "session" else leave_one_animal_out
    models: dict[str, Any] = {}
    frames = []
    for name, fit in cognitive_fits(trials, config).items():
        try:
            found: LeaveOneOut = out(
                fit.model.model_class, trials, level=level_of(config, trials), target=fit.target,
                key=key_of(key, f"leave one out {name}"), free=free_of(fit, config),
                progress=progress.within(fit.label),
            )  # fmt: skip
        except AccumbensError as problem:  # the other models' are not lost for it
            models[name] = {"failed": str(problem)}
            continue
        models[name] = found.as_dict()
        frame = found.to_frame()
        frame.insert(0, "model", name)
        frames.append(frame)
    if frames:
        write_table(pd.concat(frames, ignore_index=True), folder.path / "leave_one_out.csv")
    return {"unit": config.leave_out, "models": models}
