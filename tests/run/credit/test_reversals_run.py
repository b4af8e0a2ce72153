"""`accumbens credit` where the better side follows the animal's rewards, and where rewards wait."""

import json

import jax
import numpy as np
import pytest

from accumbens.cli import main
from accumbens.cohort import simulate_cohort
from accumbens.credit.randomization import structure_test
from accumbens.credit.reversals import joint, replays
from accumbens.credit.reversals.rules import CountedReversals
from accumbens.credit.reversals.sides import baited_schedule
from accumbens.credit.schedule import Schedule
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.structured import StructureMixture
from accumbens.run.credit.analysis import read_credit_trials, run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.tasks.distractor import DistractorRewards
from accumbens.tasks.earned import EarnedReversals
from accumbens.trials import TrialNames, trials_from_arrays

RULE = "after 3 controllable of the last 4"
OPTIONS = {"lags": 2, "resamples": 40, "bootstrap": 10}


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    agents = [StructureMixture(0.4, 3.0, weight) for weight in (0.2, 0.8)]
    task = DistractorRewards(EarnedReversals(after=3, last=4))
    trials = simulate_cohort(agents, task, n_sessions=2, n_trials=120, key=jax.random.key(0))
    path = tmp_path_factory.mktemp("tables") / "earned.csv"
    write_table(to_table(trials), path)
    return path


def test_the_rule_is_stated_on_the_command_line(table, tmp_path, capsys):
    command = ["credit", str(table), "--controllable", "controllable", "--distractor", "distractor"]
    more = ["--lags", "2", "--resamples", "40", "--bootstrap", "10"]
    main([*command, *more, "--reversals", RULE, "--out", str(tmp_path / "run")])
    said = " ".join(capsys.readouterr().out.split())
    assert f"exact where the better side reversed by the stated rule ({RULE}), whatever" in said
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    for test in metrics["tests"].values():
        assert f"by the stated rule ({RULE})" in test["holds_under"]
    methods = (tmp_path / "run" / "methods.md").read_text()
    assert f"The better side reversed by a rule ({RULE}), counted anew after each" in methods
    assert "Scott, S. L. (2002)" in methods
    with pytest.raises(SystemExit):
        main([*command, *more, "--reversals", "after 3 controllable of the last 5"])
    said = " ".join(capsys.readouterr().err.split())
    assert "does not follow the rule of reversals (after 3 controllable of the last 5)" in said


def test_redrawing_by_rule_is_another_null_distribution(table):
    config = CreditConfig("controllable", "distractor")
    trials, schedule = read_credit_trials(table, config)
    options = {"seed": 0, "n_lags": 2, "resamples": 300}
    simple = structure_test(trials, schedule, **options)
    rule = structure_test(trials, schedule, reversals=CountedReversals(3, last=4), **options)
    np.testing.assert_allclose(rule.observed, simple.observed, atol=1e-3)  # other first steps
    assert abs(rule.null.std() / simple.null.std() - 1) < 0.25
    assert np.abs(rule.null - simple.null).max() > 0
    single = int((trials.outcome.sum(-1) == 1).sum())
    assert sum(simple.redrawn) == single
    assert sum(rule.redrawn) <= single
    batch = structure_test(
        trials, schedule, reversals=CountedReversals(3, last=4), **options | {"resamples": 40}
    )
    np.testing.assert_array_equal(batch.null, rule.null[:40])  # however many are drawn


def test_too_many_states_are_replayed_and_said(table, tmp_path, monkeypatch):
    monkeypatch.setattr(joint, "session_sampler", lambda machine, held: None)
    monkeypatch.setattr(joint, "REPLAYS", 100)
    config = CreditConfig("controllable", "distractor", reversals=RULE, **OPTIONS)
    found = run_credit(table, config, tmp_path / "run")
    note = next(note for note in found.warnings if "too many states" in note)
    assert f"in 4 sessions, which were replayed {replays.REPLAYS:,} times with weights" in note
    assert "exact all the same" in note


def baited_trials(n_sessions=4, n_trials=400, seed=0):
    """Sides that reverse every 50 trials, rewards that wait for their side, in plain Python."""
    rng = np.random.default_rng(seed)
    choice = (rng.random((n_sessions, n_trials)) < 0.5).astype(int)
    outcome = np.zeros((n_sessions, n_trials, 2))
    base = np.zeros((n_sessions, n_trials, 2))
    for s in range(n_sessions):
        armed = [False, False]
        for t in range(n_trials):
            better = t // 50 % 2
            for side in (0, 1):
                base[s, t, side] = 0.6 if side == better else 0.1
                armed[side] = armed[side] or bool(rng.random() < base[s, t, side])
            outcome[s, t] = armed[choice[s, t]], rng.random() < 0.4
            armed[choice[s, t]] = False
    names = TrialNames(outcomes=("controllable", "distractor"))
    trials = trials_from_arrays(choice, outcome, names=names)
    schedule = Schedule(np.stack([base, np.full_like(base, 0.4)], axis=2), names.outcomes)
    return trials, schedule


def test_baited_rewards_come_with_their_effective_probability():
    """The rate at each number of trials since the side was last chosen, and the check."""
    trials, schedule = baited_trials()
    effective = baited_schedule(trials, schedule)
    p = effective.after(trials.choice)[..., 0]
    came = trials.outcome[..., 0]
    for low, high in ((0, 0.2), (0.2, 0.5), (0.5, 0.7), (0.7, 1.0)):
        here = (p > low) & (p <= high)
        n, expected = here.sum(), p[here].mean()
        assert n > 30
        assert abs(came[here].mean() - expected) < 4 * (expected * (1 - expected) / n) ** 0.5
    options = {"seed": 0, "n_lags": 1, "resamples": 19}
    with pytest.raises(DataError, match=r"Likely cause: baiting: .*--baited"):
        structure_test(trials, schedule, **options)
    found = structure_test(trials, schedule, baited=True, **options)
    assert found.redrawn[0] > 0
    missing = schedule.probability.copy()
    missing[1, 3] = np.nan
    with pytest.raises(DataError, match="probability of controllable is missing"):
        structure_test(trials, Schedule(missing, schedule.outcomes), baited=True, **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"reversals": "after ten juice"}, "reversals is 'after ten juice', which is no rule"),
        ({"baited": True, "distractor": None}, "are for the tests, which need a distractor"),
    ],
)
def test_options_that_cannot_be_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        CreditConfig(**{"controllable": "juice", "distractor": "tone"} | options)
