"""New sessions, predicted and scored by all models of a finished fit.

config.toml            every option, the run, versions and the fingerprint of the data
predictions.parquet    one row a trial, with the columns of the run's own: choice probabilities,
                       predicted signals, latent variables; `held_out` where it is scored
metrics.json           scores with intervals, and what a reader must know
made.json              when, where, by which command and how long it was made
scores.csv             the same scores, a row a model and metric
sessions_seen.csv      scores by number of sessions that describe each new subject, if there are any
figures/               the same as a figure
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from jaxtyping import Bool

from ...errors import ConfigError
from ...files import folder_for_results, write_atomically
from ...io.tables.trials import write_table
from ...models.base import Model
from ...models.catalogue import find_fit, find_name
from ...progress.base import Progress
from ...progress.display import shown
from ...scoring.comparison import Comparison
from ...scoring.scored import scored_trials_hash
from ...summary import Summary, between, counted, listed, summarized
from ...trials import Trials
from ..finite import without_nan
from ..fit.folder import Run, load_run
from ..fit.known import KnownData, standardised_before_fitting
from ..fit.records import prediction_table
from ..kinds import refuse_used
from ..provenance import fingerprint, versions, work_noted
from ..toml import write_toml
from .config import PredictConfig
from .curve import sessions_seen_table
from .newcomers import NewSubjects, described_models, new_subjects
from .reading import known_data, read_new_trials
from .scores import scores_on
from .seen import Seen, sessions_seen

if TYPE_CHECKING:
    import pandas as pd

SCALES = {
    True: "standardised by the mean and SD over all sessions of the run's own table",
    False: "as in the table",
}
"""How signals were scaled: before fitting, by 0.1.0, or not at all."""


@summarized
class Predicted(NamedTuple):
    """New sessions under the models of a run.

    Attributes:
        trials: all trials of the table, signals in the units of the run.
        scored: whether each session is scored.
        fitted: whether the run was fitted to it.
        describing: whether it describes a new subject.
        new_subjects: names of the subjects that the run was not fitted to.
        models: each model by name, new subjects included, and whether it predicts choices.
        comparison: scores on the scored sessions.
        sessions_seen: scores on those of new subjects, by the number of sessions that describe
            them (see `sessions_seen.csv`); None where none does.
        warnings: what a reader must know.
    """

    trials: Trials
    scored: Bool[np.ndarray, " session"]
    fitted: Bool[np.ndarray, " session"]
    describing: Bool[np.ndarray, " session"]
    new_subjects: tuple[str, ...]
    models: dict[str, tuple[Model, bool]]
    comparison: Comparison
    sessions_seen: pd.DataFrame | None
    warnings: tuple[str, ...]

    def _summary(self) -> Summary:
        title = f"{counted(self.trials.n_sessions, 'session')}, {self.scored.sum():,} scored"
        rows = [
            [name, between(*one.normalized_likelihood)]
            for name, one in self.comparison.models.items()
        ]
        heads = ["model", "normalized likelihood"]
        return Summary(f"Predicted: {title}", table=[heads, *rows], notes=self.warnings)


def run_predict(
    run: Run | str | Path,
    table: str | Path,
    config: PredictConfig | None,
    out: str | Path,
    progress: Progress | None = None,
) -> Predicted:
    """Predicts and scores new sessions by the models of a run; everything goes to a new folder.

    Sessions that the run was fitted to are predicted and not scored, unless there are no others.

    Args:
        run: a finished fit, or its folder.
        table: CSV, TSV or Parquet, with the columns of the run's table or those that `config`
            names.
        config: columns, models and what describes new subjects; `PredictConfig.of_run(run.config)`
            by default.
        out: folder to create.
        progress: told of what is done; by default bars at a terminal and in notebooks.

    Raises:
        ConfigError: the folder already holds a run, or an option is wrong.
        DataError: the run or the table cannot be used.
    """
    folder = Path(out)
    refuse_used(out, "predict")
    run = run if isinstance(run, Run) else load_run(run)
    config = PredictConfig.of_run(run.config) if config is None else config
    with (
        shown(progress) as progress,
        folder_for_results(folder, "run folder"),
        work_noted(folder),
    ):
        known = known_data(run)
        found = predict_sessions(run, table, config, known, progress)
        _write(found, config, run, str(Path(table).resolve()), folder)
    return found


def predict_sessions(
    run: Run, table: str | Path, config: PredictConfig, known: KnownData, progress: Progress
) -> Predicted:
    """As `run_predict`, and writes nothing. known: of the run's table."""
    names = _chosen(config.models, run)
    trials, unmeasured = read_new_trials(table, config.table, run, known)
    seen = sessions_seen(run, trials, known)
    models = {name: run.model(name) for name in names}
    tells_apart = any(model.n_subjects is not None for model in models.values())
    new = new_subjects(config, run, trials, known, tells_apart)
    describing = new.describing(trials)
    scored = ~seen.fitted & ~describing
    none_left = not scored.any()
    if none_left:
        scored = ~describing
    with progress.task("predictions"):
        described = described_models(models, new, run, trials, known)
        said = {name: (model, find_fit(name).predicts_choices) for name, model in described.items()}
        comparison = scores_on(said, trials, scored, config)
    curve = sessions_seen_table(models, new, run, trials, known, scored, config, progress)
    return Predicted(
        trials=trials,
        scored=scored,
        fitted=seen.fitted,
        describing=describing,
        new_subjects=tuple(trials.names.subjects[i] for i in new.numbers),
        models=said,
        comparison=comparison,
        sessions_seen=curve,
        warnings=tuple(_warnings(seen, new, trials, unmeasured, none_left, tells_apart)),
    )


def _chosen(wanted: tuple[str, ...], run: Run) -> list[str]:
    """Names of models of the run. Raises ConfigError for one that it does not have."""
    found = []
    for text in wanted or run.model_names:
        name = find_name(text, run.model_names)
        if name is None:
            raise ConfigError(
                f"The run has no model {text!r}; it has {', '.join(run.model_names)}."
            )
        found.append(name)
    return list(dict.fromkeys(found))


def _warnings(
    seen: Seen, new: NewSubjects, trials: Trials, unmeasured: tuple[str, ...], none_left: bool,
    tells_apart: bool,
) -> list[str]:  # fmt: skip
    found, n = [], int(seen.fitted.sum())
    if none_left and n:
        found.append(
            f"The run was fitted to all {counted(n, 'session')} that could be scored here: these "
            "are scores of fitted sessions, and say nothing of how well new ones are predicted."
        )
    elif n:
        found.append(
            f"The run was fitted to {n:,} of these {counted(trials.n_sessions, 'session')}: they "
            "are predicted, and not scored."
        )
    if seen.renamed:
        found.append(
            f"{listed(seen.renamed)}: the same choices and outcomes as in a session to which the "
            "run was fitted, under another name."
        )
    if seen.namesakes:
        found.append(
            f"{listed(seen.namesakes)}: sessions of these names were fitted, but their trials are "
            "others; here they count as new sessions."
        )
    if len(new.numbers):
        names = [trials.names.subjects[i] for i in new.numbers]
        described = int(new.describing(trials).sum())
        if not tells_apart:
            how = "no model here has anything of a subject's own, and each predicts them as it is."
        elif described:
            how = (
                "models with numbers for each subject take those that fit "
                f"{counted(described, 'first session')}, which {'is' if described == 1 else 'are'} "
                "not scored; all else in them stays as it is."
            )
        else:
            how = "models with numbers for each subject take the mean of the run's subjects."
        found.append(
            f"{counted(len(names), 'subject')} to which the run was not fitted "
            f"({listed(names)}): {how}"
        )
    if new.left_out and tells_apart:
        found.append(
            f"{listed(new.left_out)}: held out whole by the run. Models with numbers for each "
            "subject take the mean of the others, as in the run; --describe fits them to first "
            "sessions instead."
        )
    if unmeasured:
        found.append(f"The table has no column {', '.join(unmeasured)}: predicted, not scored.")
    return found


def _write(
    found: Predicted, config: PredictConfig, run: Run, table: str, folder: Path
) -> None:  # fmt: skip
    from ...figures.predict.all import draw_predict_figures

    part = found.trials.select_sessions(np.flatnonzero(found.scored))
    scores = found.comparison.to_frame()
    write_table(prediction_table(found.trials, found.scored, found.models),
                folder / "predictions.parquet")  # fmt: skip
    write_table(scores, folder / "scores.csv")
    if found.sessions_seen is not None:
        write_table(found.sessions_seen, folder / "sessions_seen.csv")
        numbers = [found.trials.names.subjects.index(name) for name in found.new_subjects]
        n = int((found.scored & np.isin(found.trials.subject, numbers)).sum())
        counts = f"Scored: {counted(n, 'session')} of {counted(len(numbers), 'new subject')}."
        draw_predict_figures(found.sessions_seen, folder / "figures", counts)
    metrics: dict[str, Any] = {
        "models": {name: one.as_dict() for name, one in found.comparison.models.items()},
        "differences": found.comparison.differences_to_frame().to_dict("records"),
        "reference": found.comparison.reference,
        "unit": found.comparison.unit,
        "data": {
            "subjects": len(np.unique(found.trials.subject)),
            "sessions": found.trials.n_sessions,
            "sessions_scored": int(found.scored.sum()),
            "sessions_fitted_by_the_run": int(found.fitted.sum()),
            "new_subjects": list(found.new_subjects),
            "sessions_describing_new_subjects": int(found.describing.sum()),
            "trials": int(found.trials.length.sum()),
            "choices_scored": int(part.scored.sum()),
            "scored_trials_hash": scored_trials_hash(part),
            "signal_scale": SCALES[standardised_before_fitting(run.about, run.config.signal_scale)],
        },
        "warnings": list(found.warnings),
    }
    about = {
        "kind": "predict", "run": str(run.folder.path.resolve()),
        "run_fingerprint": run.about["fingerprint"], "table": table,
        "fingerprint": fingerprint(found.trials), "versions": versions(),
    }  # fmt: skip
    write_toml(folder / "config.toml", config, about)
    text = json.dumps(without_nan(metrics), indent=1, allow_nan=False)
    write_atomically(folder / "metrics.json", text.encode())
