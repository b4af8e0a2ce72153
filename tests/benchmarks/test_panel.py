"""The panel: its rows, what its criteria say of made-up rows, and one tiny row from end to end."""

import dataclasses
import json
import subprocess
import sys

import numpy as np
import pytest

from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.pipeline import read_trials
from helpers.tracked import ROOT

BENCHMARKS = ROOT / "benchmarks"
sys.path.append(str(BENCHMARKS))

from panel.agents import GENERATORS, drawn, trials_of  # noqa: E402
from panel.criteria import demonstrations, predictions, structure  # noqa: E402
from panel.report import report  # noqa: E402
from panel.rows import TABLES, Row, absent, panel_rows  # noqa: E402
from panel.sources import source_of  # noqa: E402
from panel.store import append_row, read_rows  # noqa: E402

QUICK = """
resamples = 20
[selection]
shares = [0.0]
starts = 1
folds = 2
steps = 600
relaxing = 0
histories = 0
"""


def test_halves_share_no_draw_and_no_table():
    rows = panel_rows((10, 30), 4, 100)
    assert len(rows) == len({row.key for row in rows}) == len(TABLES) + 2 * 4 * len(GENERATORS)
    draws = {half: {r.draw for r in rows if r.half == half and r.draw is not None} for half in "AB"}
    assert draws == {"A": {0, 2}, "B": {1, 3}}
    tables = {half: {r.name for r in rows if r.half == half and r.draw is None} for half in "AB"}
    assert tables == {"A": {"mouse_bandit_photometry"}, "B": TABLES.keys() - tables["A"]}


def test_tables_that_are_not_there_are_named(tmp_path):
    (tmp_path / "mouse_bandit_drug.parquet").touch()
    away = {row.name for row in absent(panel_rows((10,), 1, 100), tmp_path)}
    assert away == TABLES.keys() - {"mouse_bandit_saline", "mouse_bandit_dcz"}


FACTS = {
    "mouse_bandit_photometry": (7, 38, 15_461),
    "mouse_bandit_saline": (5, 9, 4_939),
    "mouse_bandit_dcz": (5, 10, 5_237),
    "mouse_bandit_7030": (9, 34, 18_196),
    "human_volatile_bandit": (22, 132, 23_275),
    "human_bandit_20": (20, 40, None),
    "monkey_matching_pennies": (1, 84, 42_000),
    "nwb": (4, 4, None),
}
"""Subjects, sessions and trials of the real tables, as their descriptions have them."""


@pytest.mark.parametrize("name", TABLES)
def test_real_tables_are_read_as_users_would(name, shared_data, tmp_path):
    source = source_of(Row("table", name), shared_data, tmp_path)
    config = FitConfig(table=source.columns)
    trials = read_trials(source.table, config)
    subjects, sessions, n_trials = FACTS[name]
    assert (len(trials.names.subjects), trials.n_sessions) == (subjects, sessions)
    assert n_trials in (None, int(trials.length.sum()))
    assert trials.names.outcomes == ("reward",)
    assert trials.names.signals == TABLES[name].signal
    assert source.agent is None


@pytest.mark.parametrize("name", GENERATORS)
def test_a_draw_has_one_agent_and_small_sets_begin_large_ones(name):
    """Parameters lie in their ranges and vary; the session that sizes share is the same."""
    kind, (first, second) = GENERATORS[name], (drawn(name, draw) for draw in (0, 1))
    for ranges, one, other in zip(
        (kind.ranges, kind.parts, kind.task_ranges), first, second, strict=True
    ):
        assert ranges.keys() == one.keys() == other.keys()
        for parameter, (low, high) in ranges.items():
            assert low <= one[parameter] <= high
            assert low == high or one[parameter] != other[parameter]
    agent, small = trials_of(name, 0, 2, 8)
    _, large = trials_of(name, 0, 3, 8)
    np.testing.assert_array_equal(small.choice, large.choice[:2])
    np.testing.assert_array_equal(small.outcome, large.outcome[:2])
    assert agent.n_signals == 0
    assert not np.array_equal(trials_of(name, 1, 3, 8)[1].choice, large.choice)


def test_rows_are_read_back_after_a_stop(tmp_path):
    path = tmp_path / "runs" / "rows.jsonl"
    append_row(path, {"key": "a", "n": 1})
    append_row(path, {"key": "b", "n": 2})
    with path.open("a") as file:
        file.write('{"key": "c", "n"')  # killed while it was written
    assert read_rows(path) == {"a": {"key": "a", "n": 1}, "b": {"key": "b", "n": 2}}
    append_row(path, {"key": "a", "n": 3})
    assert {key: row["n"] for key, row in read_rows(path).items()} == {"a": 3, "b": 2}
    path.write_text('{"key"\n{"key": "a"}\n')
    with pytest.raises(ValueError, match=r"rows\.jsonl, line 1 is not a row"):
        read_rows(path)


def made_up(row: Row, disrnn: float, q_learning: float, bias: float, **more):
    """A record with these held-out likelihoods, of an agent that has 0.6 itself."""
    likelihood = {"disrnn": disrnn, "q_learning": q_learning, "bias": bias}
    against = {"cognitive_0_1_0": "q_learning", "bias": "bias"}
    if row.group == "agent":
        likelihood["agent"], against["agent"] = 0.6, "agent"
    differences = {
        label: {"model": model, "difference": [disrnn - likelihood[model], -0.1, 0.1]}
        for label, model in against.items()
    }
    fitted = 5_000 if row.sessions is None else row.sessions * 50
    return dataclasses.asdict(row) | {
        "key": row.key, "half": row.half, "code": "c0de",
        "compiled_before": False, "training_trials": fitted,
        "likelihood": likelihood, "against": differences, "open_latents": 2,
        "state_variables": GENERATORS[row.name].variables if row.group == "agent" else None,
        "selection": {"guide": "dfq", "share": 0.5}, "signals": {}, "memory_gib": 1.0,
        "seconds": {"run": 10.0, "cpu": 15.0},
    } | more  # fmt: skip


def q(size: int, draw: int) -> Row:
    return Row("agent", "q_learning", size, 100, draw)


def test_criteria_of_prediction_by_hand():
    """2,000 training trials are 40 sessions of 100, half of them held out; 5,000 are 100."""
    rows = [
        made_up(q(100, 0), 0.5990, 0.5994, 0.5),  # 0.0004 below; 99.83 % of the agent
        made_up(q(100, 2), 0.5990, 0.5996, 0.5),  # 0.0006 below
        made_up(q(100, 4), 0.5975, 0.5970, 0.5),  # 99.58 % of the agent
        made_up(q(39, 0), 0.4, 0.6, 0.4009),  # too small but for the bias, 0.0009 below it
        made_up(q(39, 2), 0.4, 0.6, 0.4011),  # 0.0011 below it
        made_up(q(40, 0), 0.5990, 0.6, 0.5),  # large enough for the first criterion alone
        made_up(Row("table", "nwb"), 0.7, 0.71, 0.6),  # no agent to be near to
    ]
    cognitive, agent, bias = predictions(rows)
    assert cognitive.asked == 5
    assert list(cognitive.misses) == ["q_learning/100x100/2", "q_learning/40x100/0", "table/nwb"]
    assert cognitive.misses["table/nwb"] == "0.0100 below q_learning [-0.1000, +0.1000]"
    assert agent.asked == 3
    assert agent.misses == {"q_learning/100x100/4": "99.58%"}
    assert bias.asked == 7
    assert list(bias.misses) == ["q_learning/39x100/2"]
    assert [f.met for f in (cognitive, agent, bias)] == [False, False, False]
    assert [f.met for f in predictions(rows[:1])] == [True, True, True]
    assert predictions(rows[3:4])[0].met is None


def test_a_failed_row_misses_what_asks_for_its_size():
    def failed(row: Row):
        return dataclasses.asdict(row) | {
            "key": row.key, "half": row.half, "code": "c0de",
            "compiled_before": False, "error": "not finished after 5 s",
        }  # fmt: skip

    rows = [failed(q(10, 0)), failed(q(100, 0)), failed(Row("table", "nwb"))]
    cognitive, agent, bias = predictions(rows)
    assert list(cognitive.misses) == ["q_learning/100x100/0", "table/nwb"]
    assert agent.misses == {"q_learning/100x100/0": "failed: not finished after 5 s"}
    assert len(bias.misses) == 3
    assert [finding.n_met for finding in structure(rows)] == [0]
    assert "| 0 of 2 | NO |" in report(rows, [])


@pytest.mark.parametrize(("n_right", "met"), [(8, True), (7, False)])
def test_structure_asks_for_8_of_10_draws_of_large_sets(n_right, met):
    large = [
        made_up(q(100, i), 0.6, 0.6, 0.5, open_latents=2 if i < n_right else 1) for i in range(10)
    ]
    small = [made_up(q(30, i), 0.6, 0.6, 0.5, open_latents=0) for i in range(10)]
    others = [made_up(Row("agent", "dfq", 100, 100, 0), 0.6, 0.6, 0.5, open_latents=5)]
    (finding,) = structure([*large, *small, *others])
    assert (finding.n_met, finding.asked, finding.met) == (n_right, 10, met)
    assert set(finding.misses.values()) == {"1 instead of 2"}


def test_report_of_made_up_rows():
    rows = [
        made_up(q(100, 0), 0.5990, 0.5994, 0.5),
        made_up(q(100, 1), 0.5990, 0.6996, 0.5),
        made_up(Row("table", "nwb"), 0.7, 0.71, 0.6, signals={"dopamine": {"disrnn": 0.9,
                "naive": 0.95, "dfq_signal": 0.93}}),
    ]  # fmt: skip
    text = report(rows, [row["key"] for row in rows] + ["table/absent"])
    assert text.startswith("3 of 4 rows of the panel are there.\n")
    first, second = text.split("## Half B")
    assert "NO" not in first
    assert "99.83%" in first
    assert "- q_learning/100x100/1: 0.1006 below q_learning" in second
    assert "| nwb | 5,000 | 0.7000 | 0.7100 (q_learning) | -0.0100 [-0.1000, +0.1000] |" in second
    assert "| 0.9000, 0.9300 (dfq_signal) |" in second
    assert "guide dfq, share 0.5" in second
    assert "| 1 of 3 | NO |" in second.split("## Both halves")[1]
    assert "\n\n\n" not in report(rows[:1], [])
    for block in text.split("\n\n"):
        widths = {line.count("|") for line in block.splitlines() if line.startswith("|")}
        assert len(widths) <= 1


def test_demonstrations_are_judged_by_the_synthetic_set():
    def demonstration(seed: int, met: bool):
        found = {"n_open": 1, "ratio": 0.997, "q_r2": [0.9, 0.8], "mse": 0.01, "read": ["z_1"]}
        row = Row("demonstration", "q_learning", draw=seed)
        return made_up(row, 0.6, 0.6, 0.5, recovered=found | {"met": met})

    rows = [demonstration(0, True), demonstration(1, False)]
    (finding,) = demonstrations(rows)
    assert (finding.asked, finding.n_met, finding.met) == (2, 1, False)
    assert finding.misses["demonstration/1"].startswith("1 open latents, 99.70% of the agent's")
    assert "Half" not in report(rows, [])


@pytest.mark.slow
def test_a_tiny_panel_from_end_to_end(tmp_path):
    """Two generators, three sessions; a second call has nothing left to do; failures are rows."""
    rows, quick = tmp_path / "rows.jsonl", tmp_path / "quick.toml"
    quick.write_text(QUICK)

    def panel(*more: str) -> str:
        command = [sys.executable, str(BENCHMARKS / "panel.py"), "--rows", str(rows)]
        command += ["--config", str(quick), "--sizes", "3", "--trials", "20", "--draws", "1"]
        command += ["--only", "one_variable", "structure_savvy", "--data", str(tmp_path), *more]
        command += ["--compiled", str(tmp_path / "compiled")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "2 of 2 rows are missing" in panel()
    assert not rows.exists()
    assert "FAILED, not finished after 0.1 s" in panel("--half", "A", "--limit", "0.1")
    assert "0 of 2 rows are missing" in panel("--half", "A")
    assert "2/2 one_variable/3x20/0: disRNN" in panel("--half", "A", "--again")
    found = read_rows(rows)
    assert [json.loads(line)["key"] for line in rows.read_text().splitlines()] == [*found, *found]
    savvy, one = found["structure_savvy/3x20/0"], found["one_variable/3x20/0"]
    assert savvy["likelihood"].keys() > {"disrnn", "agent", "two_process", "structure_mixture"}
    assert one["likelihood"].keys() == {
        "disrnn", "agent", "bias", "q_learning", "dfq_choice", "actor_critic"
    }  # fmt: skip
    for row in (savvy, one):
        best = row["against"]["cognitive_0_1_0"]
        models = [n for n in row["likelihood"] if n not in ("disrnn", "agent")]
        assert best["model"] == max(models, key=row["likelihood"].__getitem__)
        less = row["likelihood"]["disrnn"] - row["likelihood"][best["model"]]
        assert best["difference"] == [pytest.approx(less, abs=1e-12), None, None]  # one session
        assert (row["training_trials"], row["test_trials"]) == (40, 20)
        assert row["selection"]["share"] == 0.0
        assert 0 < row["seconds"]["run"] < row["seconds"]["run"] + row["seconds"]["opponents"]
        assert 0.1 < row["memory_gib"] < 8
    assert one["state_variables"] == 1
    assert "## Half A (to decide on), 2 of its rows\n" in panel("--report")
