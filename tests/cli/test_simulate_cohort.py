"""`accumbens simulate` with cohorts and distractor rewards, as a user meets it."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.cli.output import Output
from accumbens.cli.simulate import SimulateCommand
from accumbens.io.tables.trials import to_table
from accumbens.models.catalogue import agents
from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

SMALL = ["--task", "distractor", "--agent", "structure_mixture", "--trials", "10"]


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(["simulate", *arguments])
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_a_cohort_is_a_table_and_its_parameters_and_both_repeat(tmp_path, capsys):
    options = [*SMALL, "--subjects", "3", "--sessions", "7", "--spread", "0.5", "--seed", "3"]
    for name in ("a.csv", "b.csv"):
        main(["simulate", str(tmp_path / name), *options])
    for ending in (".csv", ".parameters.csv"):
        first, second = (tmp_path / f"{name}{ending}" for name in "ab")
        assert first.read_bytes() == second.read_bytes()
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.groupby("subject")["session"].nunique().to_dict() == {
        "mouse_01": 3, "mouse_02": 2, "mouse_03": 2,
    }  # fmt: skip
    assert {"controllable", "distractor", "dopamine", "controllable_probability_0",
            "controllable_probability_1", "distractor_probability"} <= set(table)  # fmt: skip
    drawn = pd.read_csv(tmp_path / "a.parameters.csv")
    assert drawn["subject"].tolist() == ["mouse_01", "mouse_02", "mouse_03"]
    assert list(drawn)[1:] == list(agents()["structure_mixture"].example)
    assert (drawn.nunique() == 3).all()
    said = " ".join(capsys.readouterr().out.split())
    assert "3 subjects, 7 sessions of 10 trials" in said
    assert "Parameters of each subject:" in said


def test_without_spread_subjects_are_alike_and_no_parameters_are_written(tmp_path):
    main(["simulate", str(tmp_path / "a.csv"), *SMALL, "--subjects", "2", "--sessions", "2",
          "--spread", "0"])  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_the_papers_cohort_is_the_default_of_the_distractor_task(tmp_path, monkeypatch):
    tables = []
    monkeypatch.setattr(
        "accumbens.io.tables.trials.write_table", lambda table, path: tables.append((table, path))
    )
    SimulateCommand(tmp_path / "a.csv", agent="structure_mixture", task="distractor").run(Output())
    (table, _), (drawn, path) = tables
    assert table.groupby(["subject", "session"]).size().tolist() == [500] * 198
    assert table["subject"].nunique() == len(drawn) == 12
    assert path.name == "a.parameters.csv"
    odds = np.log(drawn["structure_weight"] / (1 - drawn["structure_weight"]))
    assert 0.1 < odds.std(ddof=1) < 0.55  # SD 0.3 of 12: between the 0.0001 and 0.9999 quantiles


def test_one_subject_is_a_plain_simulation_of_the_seed(tmp_path, monkeypatch):
    tables = []
    monkeypatch.setattr(
        "accumbens.io.tables.trials.write_table", lambda table, path: tables.append(table)
    )
    command = SimulateCommand(tmp_path / "a.csv", sessions=3, trials=10, seed=5)
    command.run(Output())
    model = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    plain = simulate(model, DriftingBandit(), n_sessions=3, n_trials=10, key=jax.random.key(5))
    pd.testing.assert_frame_equal(tables[0], to_table(plain))
    dataclasses.replace(command, seed=6).run(Output())
    assert not tables[1].equals(tables[0])


@pytest.mark.parametrize("agent", agents())
def test_every_agent_makes_a_cohort_in_the_distractor_task(agent, tmp_path):
    main(["simulate", str(tmp_path / "a.csv"), "--agent", agent, "--task", "distractor",
          "--subjects", "2", "--sessions", "2", "--trials", "10", "--high", "0.7", "--low", "0.3",
          "--hazard", "0.2", "--distractor", "0.25"])  # fmt: skip
    table = pd.read_csv(tmp_path / "a.csv")
    np.testing.assert_allclose(sorted(set(table["controllable_probability_0"])), [0.3, 0.7])
    assert set(table["distractor_probability"]) == {0.25}
    assert len(pd.read_csv(tmp_path / "a.parameters.csv")) == 2


def test_mistakes_are_one_clear_error(tmp_path, capsys):
    out = str(tmp_path / "a.csv")
    assert "structure_savvy learns from two rewards, and the drifting task has one: use" in refused(
        capsys, out, "--agent", "structure_savvy"
    )
    for subjects, sessions in (("0", "12"), ("3", "2")):
        assert f"{sessions} sessions cannot be divided among {subjects} subjects" in refused(
            capsys, out, *SMALL, "--subjects", subjects, "--sessions", sessions
        )
    assert "spread is -1.0; there must be at least one subject, and the spread" in refused(
        capsys, out, *SMALL, "--spread", "-1"
    )
    assert "--spread varies the parameters of an agent: leave out --run-folder" in refused(
        capsys, out, "--run-folder", str(tmp_path), "--spread", "0.3"
    )
    assert "distractor is 1.5; it must lie between 0 and 1" in refused(
        capsys, out, *SMALL, "--distractor", "1.5"
    )
    assert not list(tmp_path.iterdir())


def test_a_stated_rule_reverses_the_sides_and_credit_finds_that_it_did(tmp_path, capsys):
    """The same words make the table and are believed of it; other words are not."""
    table, rule = tmp_path / "a.csv", "after 3 distractor of the last 4, at least 6 trials"
    sizes = ["--subjects", "1", "--sessions", "2", "--trials", "80"]
    main(["simulate", str(table), "--task", "distractor", "--agent", "structure_savvy", *sizes,
          "--reversals", rule])  # fmt: skip
    credit = ["credit", str(table), "--controllable", "controllable", "--distractor", "distractor",
              "--lags", "1", "--resamples", "20", "--bootstrap", "10"]  # fmt: skip
    main([*credit, "--reversals", rule, "--out", str(tmp_path / "run")])
    assert f"by the stated rule ({rule})" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit):
        main([*credit, "--reversals", "after 3 distractor of the last 4"])
    assert "does not follow the rule of reversals" in " ".join(capsys.readouterr().err.split())
    other = tmp_path / "b.csv"
    main(["simulate", str(other), "--task", "reversal", "--sessions", "2", "--trials", "40",
          "--reversals", "after 2 reward of the last 2"])  # fmt: skip
    read = pd.read_csv(other).groupby("session")
    for _, session in read:
        p, rewards = session["reward_probability_0"].to_numpy(), session["reward"].to_numpy()
        moved = np.flatnonzero(np.diff(p)) + 1
        assert len(moved) > 1
        assert all(rewards[t - 2 : t].sum() == 2 for t in moved)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--reversals", "after 2 reward"], "--reversals is of tasks that reverse: use --task re"),
        (["--task", "reversal", "--reversals", "after 2 reward", "--hazard", "0.1"],
         "--reversals says when the better side changes, and so do --block-length and --hazard"),
        (["--task", "reversal", "--reversals", "sometimes"], "which is no rule. Write it like"),
        (["--task", "reversal", "--reversals", "after 2 distractor"], "counts 'distractor', which"),
        (["--task", "reversal", "--reversals", "after 20 reward of the last 40"],
         "after is 20, last is 40"),
    ],
)  # fmt: skip
def test_rules_of_reversals_that_cannot_be_simulated_are_refused(
    options, message, tmp_path, capsys
):
    assert message in refused(capsys, str(tmp_path / "a.csv"), *options)


def test_power_by_rule_says_so_and_takes_no_blocks_beside_it(tmp_path, capsys):
    sizes = ["--mice", "2", "--sessions", "1", "--trials", "60", "--lags", "2", "--experiments",
             "2", "--resamples", "19", "--out", str(tmp_path / "power")]  # fmt: skip
    rule = ["--reversals", "after 3 controllable of the last 4"]
    with pytest.raises(SystemExit):
        main(["power", *sizes, *rule, "--block-length", "10", "20"])
    assert "--reversals says when the better side changes" in capsys.readouterr().err
    main(["power", *sizes, *rule])
    said = " ".join(capsys.readouterr().out.split())
    assert "Sides reverse after 3 controllable of the last 4, and rewards are redrawn by" in said
    main(["show", str(tmp_path / "power")])
    again = " ".join(capsys.readouterr().out.split())
    assert "0.00 / 0.00" in said
    assert "0.00 / 0.00" in again
