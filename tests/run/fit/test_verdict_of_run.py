"""The verdict and alarms of a run: in its files, on the terminal, with a deliberately bad model."""

import csv
import dataclasses
import io
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import accumbens.run.fit.models as fits_of_a_run
from accumbens.cli.output import Output
from accumbens.cli.printing import print_run
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table, to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.models import METHODS, Fitted
from accumbens.run.fit.pipeline import run_fit
from accumbens.run.fit.verdict import without_memory
from accumbens.scoring.metrics import normalized_likelihood, pooled, session_sums
from accumbens.scoring.splits import apply_split
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

CONFIG = FitConfig(
    table=TableFormat(signal=("dopamine",)), models=("disrnn", "q_learning", "naive"),
    signal_scale="none", resamples=200,
)  # fmt: skip
AGENT = QLearning(0.3, 3.0, gain=1.0, offset=0.0)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    trials = simulate(AGENT, DriftingBandit(), n_sessions=16, n_trials=50, key=jax.random.key(0))
    path = tmp_path_factory.mktemp("tables") / "trials.parquet"
    write_table(to_table(trials), path)
    return path


def stands_for_the_disrnn(monkeypatch, model):
    """A fit of the disRNN that gives this model at once."""
    seeds = [
        {"seed": 0, "loss": 0.61, "inner": 0.5862, "open_latents": 2, "kept": True},
        {"seed": 1, "loss": 0.54, "open_latents": 5, "kept": False},
    ]
    given = METHODS | {"disrnn": lambda _: Fitted(model, True, {"seeds": seeds}, {}, {})}
    monkeypatch.setattr(fits_of_a_run, "METHODS", given)
    for name in ("draw_figures", "bottlenecks", "open_latents"):
        monkeypatch.setattr(f"accumbens.run.fit.pipeline.{name}", lambda *_: [])


def printed(run):
    console = Console(
        record=True, width=300, color_system="standard", force_terminal=True, file=io.StringIO()
    )
    print_run(Output(console), run)
    return console.export_text(clear=False), console.export_text(styles=True)


@pytest.fixture
def bad(table, tmp_path, monkeypatch):
    """It expects the contrary of what the animal does, and of its dopamine."""
    model = QLearning(0.3, jnp.asarray(-3.0), gain=-1.0, offset=3.0)
    stands_for_the_disrnn(monkeypatch, model)
    return run_fit(table, CONFIG, tmp_path / "bad")


def test_a_bad_model_is_loud_in_every_place(bad):
    first, second = bad.metrics["warnings"]
    assert first.startswith("disRNN predicts held-out choices WORSE than a fixed bias: normalized")
    assert second.startswith("disRNN predicts held-out dopamine WORSE than its mean alone: mean sq")
    verdict = bad.metrics["verdict"]
    assert verdict["choice"]["outcome"] == "worse"
    assert verdict["signal"]["dopamine"]["outcome"] == "worse"
    text, styled = printed(bad)
    lines = [line for line in text.splitlines() if line.strip()]
    assert lines[0].startswith(f"WARNING: {first[:60]}")
    assert f"\x1b[1;31mWARNING: {first[:40]}" in styled
    said = " ".join(text.split())
    at = [said.index(" ".join(part.split())) for part in (first, second)]
    at += [said.index(verdict["choice"]["sentence"]), said.index("1 subject, 16 sessions")]
    assert at == sorted(at)
    for suffix in ("md", "tex"):
        below = (bad.folder.path / f"table1.{suffix}").read_text()
        assert "WORSE than a fixed bias" in below
        assert "predicts choices worse than the best cognitive model (Q-learning)" in below
    rows = list(csv.DictReader((bad.folder.path / "table1.csv").read_text().splitlines()))
    assert [bool(row["note"]) for row in rows] == [True, False, False]
    assert rows[0]["note"] == f"{first} {second}"


def test_the_bias_is_no_row_unless_asked(bad):
    assert bad.model_names == ("disrnn", "q_learning", "naive")
    trials = from_table(bad.about["table"], bad.config.table)
    train, test = apply_split(bad.split, trials)
    sums = pooled(session_sums(without_memory(train, test), test))
    verdict = bad.metrics["verdict"]
    assert verdict["choice"]["baseline_value"] == float(normalized_likelihood(sums)[0])
    mean = np.mean(train.signal[train.scored])
    expected = np.mean((test.signal[test.scored] - mean) ** 2)
    assert verdict["signal"]["dopamine"]["baseline_value"] == pytest.approx(expected, rel=1e-5)


def test_the_difference_is_the_paired_one_of_the_run(bad):
    """`differences` has the disRNN as reference: the same numbers with the other sign."""
    rows = {(row["model"], row["signal"], row["metric"]): row for row in bad.metrics["differences"]}
    nats = bad.metrics["verdict"]["choice"]["nats"]
    row = rows["q_learning", "", "log_likelihood"]
    assert nats["value"] == pytest.approx(-row["value"], rel=1e-12)
    assert [nats["low"], nats["high"]] == pytest.approx([-row["high"], -row["low"]], rel=1e-12)


def test_a_good_model_is_praised_and_nothing_is_red(table, tmp_path, monkeypatch):
    stands_for_the_disrnn(monkeypatch, AGENT)
    config = dataclasses.replace(CONFIG, models=("disrnn", "bias", "naive"))
    run = run_fit(table, config, tmp_path / "good")
    assert run.metrics["warnings"] == []
    verdict = run.metrics["verdict"]
    assert (verdict["choice"]["outcome"], verdict["choice"]["opponent"]) == ("better", "bias")
    assert verdict["choice"]["opponent_value"] == pytest.approx(
        verdict["choice"]["baseline_value"], abs=1e-5
    )
    assert verdict["signal"]["dopamine"]["outcome"] == "better"
    text, _ = printed(run)
    assert text.strip().startswith("On held-out sessions, the disRNN predicts choices better than")


def test_seeds_are_printed_with_the_scores_that_they_have(bad):
    def cells(line):
        return [cell.strip() for cell in line.replace("┃", "│").strip("│ ").split("│")]

    lines = printed(bad)[0].splitlines()
    at = next(i for i, line in enumerate(lines) if "disRNN seeds" in line)
    assert cells(lines[at + 2])[:4] == [
        "seed", "training loss ↓", "inner normalized likelihood ↑", "open latents",
    ]  # fmt: skip
    assert cells(lines[at + 4]) == ["0", "0.6100", "0.5862", "2", "kept"]
    assert cells(lines[at + 5])[:4] == ["1", "0.5400", "–", "5"]
    seeds = bad.metrics["models"]["disrnn"]["fit"]["seeds"]
    for seed in seeds:
        seed.pop("inner", None)
    assert "inner" not in printed(bad)[0]


def test_a_run_of_the_past_is_printed_without_a_verdict(bad):
    path = bad.folder.metrics
    metrics = json.loads(path.read_text())
    del metrics["verdict"], metrics["warnings"]
    path.write_text(json.dumps(metrics))
    text, _ = printed(load_run(bad.folder.path))
    assert text.strip().startswith("1 subject, 16 sessions")


def test_without_a_network_there_are_alarms_alone(table, tmp_path):
    run = run_fit(table, dataclasses.replace(CONFIG, models=("q_learning",)), tmp_path / "run")
    assert run.metrics["verdict"] is None
    assert run.metrics["warnings"] == []
