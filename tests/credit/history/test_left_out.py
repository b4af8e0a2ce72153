"""Animals that cannot be regressed, and weights that have no finite maximum."""

import numpy as np
import pandas as pd
import pytest

from accumbens.credit.contingency import contingency_warnings
from accumbens.credit.history.fitting import fit_history
from accumbens.credit.history.newton import fit_logistic, separating_columns
from accumbens.credit.history.usable import left_out, usable
from accumbens.errors import DataError
from accumbens.run.credit.analysis import analyse_credit, run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.trials import TrialNames, Trials, trials_from_arrays

CONFIG = CreditConfig(
    "controllable", "distractor", probabilities=("0.5", "0.5", "0.5"), lags=2, resamples=19,
    bootstrap=20,
)  # fmt: skip
N_SESSIONS, N_TRIALS = 3, 60


def cohort(*kinds: str, seed: int = 0) -> Trials:
    """An animal of each kind: random, left (always), forced (always), or stays after a reward."""
    rng = np.random.default_rng(seed)
    shape = (N_SESSIONS * len(kinds), N_TRIALS)
    choice = rng.integers(0, 2, shape)
    outcome = (rng.random((*shape, 2)) < 0.5).astype(float)
    instructed = np.zeros(shape, bool)
    for i, kind in enumerate(kinds):
        own = slice(i * N_SESSIONS, (i + 1) * N_SESSIONS)
        if kind == "left":
            choice[own] = 0
        if kind == "forced":
            instructed[own] = True
        if kind == "stays":
            for t in range(1, N_TRIALS):
                stay = outcome[own, t - 1, 0] > 0
                choice[own, t] = np.where(stay, choice[own, t - 1], 1 - choice[own, t - 1])
    return trials_from_arrays(
        choice, outcome, instructed=instructed,
        subject=np.repeat(np.arange(len(kinds)), N_SESSIONS),
        names=TrialNames(outcomes=("controllable", "distractor"),
                         subjects=tuple("ABCDE"[: len(kinds)])),
    )  # fmt: skip


def analysed(trials: Trials):
    from accumbens.run.credit.schedules import stated_schedule

    return analyse_credit(trials, stated_schedule(trials, CONFIG.probabilities), CONFIG)


def test_who_is_left_out_and_why():
    trials = cohort("left", "random", "forced")
    assert left_out(trials) == {
        0: "A: left out, without index and p-value, because all its 180 free choices are 0.",
        2: "C: left out, without index and p-value, because not one of its 180 trials has a free "
        "choice (all are missed or instructed).",
    }
    with pytest.raises(DataError, match=r"No subject has choices to regress\. A: left out, .*B: l"):
        usable(cohort("left", "forced"), None)
    with pytest.raises(DataError, match="trials of subject 'C' have no free choice to regress"):
        fit_history(trials.select_sessions(range(6, 9)))


def test_the_others_are_analysed_as_if_alone():
    """Whoever is left out changes no number of the others."""
    trials = cohort("left", "random", "forced")
    alone = trials.select_sessions(range(3, 6))
    found, expected = analysed(trials), analysed(alone)
    assert repr(found.indices) == repr(expected.indices)
    assert [fit.subject for fit in found.fits] == ["B"]
    for test, other in zip(found.tests, expected.tests, strict=True):
        assert test.subjects == ("B",)
        np.testing.assert_array_equal(test.null, other.null)
    assert [note[:2] for note in found.warnings[:2]] == ["A:", "C:"]


def test_the_group_says_on_how_many_it_rests():
    found = analysed(cohort("random", "stays", "random"))
    by = {(index.subject, index.name): index for index in found.indices}
    assert np.isnan(by["B", "controllable"].value)
    group = by["group", "controllable"]
    own = [by[s, "controllable"].value for s in "AC"]
    assert group.n_subjects == 2
    assert group.value == pytest.approx(np.mean(own))
    assert any("controllable index rests on 2 of 3 subjects" in note for note in found.warnings)


def test_weights_without_a_finite_maximum_have_no_value(tmp_path):
    trials = cohort("stays", "random")
    (fit, other) = fit_with_warning(trials)
    frame = fit.to_frame()
    assert frame["weight"].isna().equals(frame["standard_error"].isna())
    first = (frame["outcome"] == "controllable") & (frame["lag"] == 1)
    assert np.isnan(frame["weight"].to_numpy(float)[first]).all()
    assert np.isfinite(other.to_frame()["weight"].to_numpy(float)).all()

    from accumbens.io.tables.trials import to_table, write_table

    write_table(to_table(trials), tmp_path / "table.csv")
    run_credit(tmp_path / "table.csv", CONFIG, tmp_path / "run")
    stored = pd.read_csv(tmp_path / "run" / "indices.csv")
    blank = stored.query("subject == 'A'")[["value", "standard_error", "low", "high"]]
    assert np.isnan(blank.to_numpy(float)).all()
    assert np.isfinite(stored["value"].to_numpy(float)[stored["subject"] != "A"]).all()


def fit_with_warning(trials: Trials):
    with pytest.warns(UserWarning, match="A: the choices are predicted perfectly by"):
        return fit_history(trials, n_lags=2)


def test_what_separated_trials_leave_unknown_is_found():
    """Oracle: a weight has a maximum where a far stronger start comes back to the same place."""
    rng = np.random.default_rng(3)
    x = rng.integers(-1, 2, (200, 4)).astype(float)
    x[:, 0] = 1.0
    y = (rng.random(200) < 0.5).astype(float)
    y[x[:, 3] != 0] = (x[x[:, 3] != 0, 3] > 0).astype(float)
    assert separating_columns(x, y).tolist() == [False, False, False, True]
    weak = [fit_logistic(x, y, ridge=r).weights for r in (1e-6, 1e-9)]
    moved = np.abs(weak[0] - weak[1]) > 1.0
    assert moved.tolist() == [False, False, False, True]
    all_told = (x[:, 1] + 0.1 * x[:, 2] + 0.01 * x[:, 3] + 0.001 > 0).astype(float)
    assert separating_columns(x, all_told).all()
    both = rng.integers(0, 2, 200).astype(float)
    assert not separating_columns(x, both).any()


def test_nothing_to_compare_is_no_swap():
    """Choices that follow every outcome leave no trial against which to compare."""
    notes = contingency_warnings(cohort("stays"))
    assert not [note for note in notes if "nan" in note or "controllable column" in note]


def test_a_huge_weight_without_separation_is_named():
    """One exception in 6,000 rewarded choices keeps the maximum finite, at log 6,000."""
    rng, shape = np.random.default_rng(0), (12, 1000)
    choice, outcome = np.zeros(shape, int), np.zeros((*shape, 1))
    outcome[..., 0] = rng.random(shape) < 0.5
    outcome[0, 500:502, 0] = 1, 0
    for t in range(1, shape[1]):
        stay = outcome[:, t - 1, 0] > 0
        choice[:, t] = np.where(stay, choice[:, t - 1], rng.integers(0, 2, shape[0]))
        if t == 501:
            choice[0, t] = 1 - choice[0, t]
    with pytest.warns(UserWarning, match="reward lag 1 are beyond 8 in log-odds, although"):
        (fit,) = fit_history(trials_from_arrays(choice, outcome), n_lags=1)
    assert not any("no finite maximum" in note for note in fit.warnings)
    assert 8.3 < np.nanmax(np.abs(fit.weights)) < 9.2
