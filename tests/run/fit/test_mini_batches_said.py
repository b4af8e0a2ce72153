"""What a run says of mini-batches."""

import jax
import numpy as np

from accumbens.fit.gru import fitting, path
from accumbens.fit.gru.config import GRUConfig
from accumbens.progress.base import Progress
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.models import fit_named
from accumbens.run.fit.notices import in_mini_batches, of_mini_batches
from accumbens.trials import trials_from_arrays

SIZES = {"sessions": 100, "of_sessions": 18_000, "trials": 50_000}


def test_what_a_step_saw_is_said_once():
    assert in_mini_batches(SIZES) == (
        "Each gradient step saw 100 of 18,000 sessions (about 50,000 trials), balanced over "
        "animals; the model has averaged weights."
    )
    notes = {"a": {"mini_batches": SIZES}, "b": {"mini_batches": SIZES, "selection": {}}, "c": {}}
    assert of_mini_batches(notes) == [f"a was fitted in mini-batches. {in_mini_batches(SIZES)}"]


def test_a_large_gru_is_chosen_inside_a_part_and_fitted_in_mini_batches(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    choice = rng.integers(0, 2, (16, 30))
    trials = trials_from_arrays(choice, rng.integers(0, 2, (16, 30, 1)) * 1.0)
    part, batches = fitting.part_of_sessions, path.mini_batches
    monkeypatch.setattr(
        fitting, "part_of_sessions", lambda trials, n, folds, key: part(trials, 240, folds, key=key)
    )
    small = lambda batch, n, key: batches(batch, 240, key=key)  # noqa: E731
    monkeypatch.setattr(path, "mini_batches", small)
    monkeypatch.setattr("accumbens.run.fit.models.mini_batches", small)
    config = FitConfig(
        models=("gru",), gru=GRUConfig(hidden=2, strengths=(3.0,), folds=2, tried_embedding=0)
    )
    fit = fit_named(
        "gru", trials, config, key=jax.random.key(0), progress=Progress(), checkpoints=tmp_path,
        identity="this",
    )  # fmt: skip
    why = fit.notes["selection"]["why"]
    assert "inside 8 of 16 sessions (1 subject of 1 subject, 240 of 480 trials)" in why
    assert "Each gradient step saw 8 of 16 sessions (about 240 trials)" in why
