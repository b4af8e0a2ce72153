"""The command line as a user meets it."""

import dataclasses
import subprocess
import sys

import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.cli.commands import COMMANDS
from accumbens.models.catalogue import agents


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert caught.value.code == 2
    return " ".join(capsys.readouterr().err.split())


def test_simulate_writes_a_table_that_repeats(tmp_path, capsys):
    options = ["--sessions", "4", "--trials", "30", "--set", "learning_rate=0.6", "--seed", "3"]
    for name in ("a.csv", "b.csv"):
        main(["simulate", str(tmp_path / name), *options])
    table = pd.read_csv(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert len(table) == 120
    assert {"choice", "reward", "dopamine", "reward_probability_0"} <= set(table.columns)
    assert "4 sessions of 30 trials" in " ".join(capsys.readouterr().out.split())
    main(["simulate", str(tmp_path / "c.csv"), "--sessions", "1", "--trials", "9"])
    assert "1 session of 9 trials" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("agent", [n for n, e in agents().items() if e.task == "bandit"])
def test_every_agent_plays_both_tasks(agent, tmp_path):
    for task in ("drifting", "reversal"):
        out = tmp_path / f"{task}.csv"
        main(["simulate", str(out), "--agent", agent, "--task", task, "--sessions", "2"])
        assert set(pd.read_csv(out)["choice"]) == {0, 1}


def test_mistakes_are_one_clear_error(tmp_path, capsys):
    assert "Name a table to fit" in refused(capsys, "fit")
    assert "the parameters of q_learning are learning_rate" in refused(
        capsys, "simulate", str(tmp_path / "t.csv"), "--set", "learningrate=1"
    )
    assert "'high' is not a number" in refused(
        capsys, "simulate", str(tmp_path / "t.csv"), "--set", "learning_rate=high"
    )
    assert "learning_rate=7: learning_rate must lie between 0 and 1." in refused(
        capsys, "simulate", str(tmp_path / "t.csv"), "--set", "learning_rate=7"
    )
    assert "name it alone" in refused(capsys, "fit", "t.csv", "--resume", str(tmp_path))
    assert "is not a run folder" in refused(capsys, "show", str(tmp_path))
    table = tmp_path / "t.csv"
    table.write_text("subject,session,choice,rewrad\nm,1,0,1\nm,1,1,0\n")
    message = refused(capsys, "fit", str(table), "--out", str(tmp_path / "run"))
    assert "t.csv" in message
    assert "reward" in message
    assert not (tmp_path / "run").exists()


def test_toml_sets_options_and_the_command_line_overrides_them(tmp_path, monkeypatch):
    from accumbens.cli.fit import FitCommand

    seen = []
    monkeypatch.setattr(FitCommand, "run", lambda self, console: seen.append(self))
    path = tmp_path / "my.toml"
    path.write_text("seed = 4\nseeds = 3\n[table]\nsignal = ['da']\n")
    main(["fit", "t.csv", "--config", str(path), "--seed", "9"])
    (command,) = seen
    assert (command.options.seed, command.options.seeds) == (9, 3)
    assert command.options.table.signal == ("da",)


def test_a_mistyped_command_is_told_what_there_is(tmp_path, monkeypatch, capsys):
    assert "There is no command 'fti'. Did you mean fit?" in refused(capsys, "fti")
    names = ", ".join(entry.name for entry in COMMANDS)
    assert f"There is no command 'zzz'. There are {names}." in refused(capsys, "zzz")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("")
    assert "To fit models to it: accumbens fit a.csv." in refused(capsys, "a.csv")


def test_version(capsys):
    import accumbens

    main(["--version"])
    assert capsys.readouterr().out.startswith(f"accumbens {accumbens.__version__} (Python 3.")
    code = [sys.executable, "-m", "accumbens", "--version"]
    done = subprocess.run(code, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"accumbens {accumbens.__version__} ")


def test_credit_takes_a_file_of_its_own_options(tmp_path, monkeypatch):
    from accumbens.cli.credit import CreditCommand

    seen = []
    monkeypatch.setattr(CreditCommand, "run", lambda self, out: seen.append(self))
    path = tmp_path / "my.toml"
    path.write_text('controllable = "reward"\nlags = 3\nout = "there"\n')
    main(["credit", "t.csv", "--config", str(path), "--lags", "4"])
    assert (seen[0].options.controllable, seen[0].options.lags) == ("reward", 4)
    assert str(seen[0].out) == "there"


def test_a_demonstration_replaces_none_but_its_own(tmp_path, capsys):
    from accumbens.cli.demo import demo_config, demo_trials, remove_demonstration
    from accumbens.io.tables.trials import to_table, write_table
    from accumbens.run.toml import write_toml

    run, table = tmp_path / "run", tmp_path / "trials.parquet"
    remove_demonstration(run, table, 0, replace=False)
    run.mkdir()
    own = demo_config(3)
    mine = dataclasses.replace(own, resamples=17)
    for config, at in ((mine, table), (own, tmp_path / "mine.csv")):
        write_toml(run / "config.toml", config, {"table": str(at.resolve()), "fingerprint": ""})
        message = refused(capsys, "demo", "--out", str(tmp_path), "--replace")
        assert "holds a table or run that is no demonstration: name another --out" in message
        assert run.is_dir()
    write_toml(run / "config.toml", own, {"table": str(table.resolve()), "fingerprint": ""})
    assert "is there already. Name another file, or add --replace" in refused(
        capsys, "demo", "--out", str(tmp_path)
    )
    remove_demonstration(run, table, 0, replace=True)
    assert not run.exists()
    table.write_text("mine")
    assert "no demonstration" in refused(capsys, "demo", "--out", str(tmp_path), "--replace")
    assert table.read_text() == "mine"
    write_table(to_table(demo_trials(0)), table)
    remove_demonstration(run, table, 0, replace=True)


def test_nothing_is_written_over_what_is_read_or_what_others_made(tmp_path, capsys):
    source, out = tmp_path / "x.csv", tmp_path / "deep" / "out.csv"
    text = "subject,session,trial,choice,reward,note\nA,1,0,0,1,mine\nA,1,1,1,0,mine\n"
    source.write_text(text)
    (tmp_path / "link.csv").symlink_to(source)
    for name in ("x.csv", "link.csv", "./deep/../x.csv"):
        (tmp_path / "deep").mkdir(exist_ok=True)
        said = refused(capsys, "convert", str(source), "--out", f"{tmp_path}/{name}", "--replace")
        assert "which is read. Nothing is written over what is read: name another file" in said
    assert source.read_text() == text
    main(["convert", str(source), "--out", str(out)])
    first = out.read_text()
    main(["convert", str(source), "--out", str(out)])  # unchanged: it can be made again
    assert out.read_text() == first
    out.write_text(first + "A,1,2,1,1\n")
    said = refused(capsys, "convert", str(source), "--out", str(out))
    assert "is there already. Name another file, or add --replace" in said
    main(["convert", str(source), "--out", str(out), "--replace"])
    assert out.read_text() == first
    other = tmp_path / "other.csv"
    other.write_text(text)
    said = refused(capsys, "convert", str(source), "--out", str(other), "--replace")
    assert "was not made by accumbens convert" in said
    assert other.read_text() == text
    said = refused(capsys, "simulate", str(other), "--sessions", "1")
    assert "is there already" in said
    assert other.read_text() == text


@pytest.mark.parametrize("command", ["fit", "credit"])
def test_a_name_that_the_system_refuses_is_one_clear_error(command, tmp_path, capsys):
    table = tmp_path / "t.csv"
    table.write_text("session,choice,reward\n1,0,1\n1,1,0\n")
    more = ["--controllable", "reward"] if command == "credit" else []
    said = refused(capsys, command, str(table), *more, "--out", str(tmp_path / ("x" * 300)))
    assert said.startswith("Error: The system refuses ")
    assert "File name too long" in " ".join(said.split())
    assert len(said) < 500
