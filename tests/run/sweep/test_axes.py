"""What is varied: every option of a fit by its name, each mistake told before anything is read."""

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.run.fit.config import FitConfig
from accumbens.run.options import options_of
from accumbens.run.sweep.axes import combinations, option_of_fit, read_axes, with_subjects
from accumbens.run.sweep.plan import (
    Plan,
    cells_of,
    config_of,
    hash_of,
    options_given,
    read_plan,
    write_plan,
)


def values(word):
    (axis,) = read_axes([word])
    return axis.option.key, axis.values


@pytest.mark.parametrize(
    ("word", "key", "expected"),
    [
        ("seed=0:3", "seed", (0, 1, 2)),
        ("seed=4:10:3", "seed", (4, 7)),
        ("seed=7", "seed", (7,)),
        ("penalties.factor=0.3,1,3", "selection.factor", (0.3, 1.0, 3.0)),
        ("penalties.latent=1e-3,2e-3", "recipe.penalties.latent", (1e-3, 2e-3)),
        ("choice-stage.steps=50,60", "recipe.choice_stage.steps", (50, 60)),
        ("recipe.choice_stage.steps=50", "recipe.choice_stage.steps", (50,)),
        ("joint=true,false", "recipe.joint", (True, False)),
        ("models=bias+naive,naive", "models", (("bias", "naive"), ("naive",))),
        ("animals=pooled,separate", "animals", ("pooled", "separate")),
        ("subjects=M1,M2", "only_subjects", (("M1",), ("M2",))),
        ("table.subjects=M1+M2,M2+M1", "table.subjects", (("M1", "M2"), ("M2", "M1"))),
        ("signal=dopamine", "table.signal", (("dopamine",),)),
    ],
)
def test_words_are_values_of_an_option(word, key, expected):
    assert values(word) == (key, expected)


def test_every_option_of_a_fit_has_an_axis():
    for option in options_of(FitConfig):
        found = option_of_fit(option.name) if option.name != "subjects" else None
        assert found in (option, None)
        assert option_of_fit(option.key) == option


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], r"Nothing is varied\. Say what: --vary seed=0:20"),
        (["seed"], r"--vary takes NAME=VALUES, such as .*; 'seed' is not of that form"),
        (["seeed=0:2"], r"accumbens fit has no option 'seeed'\. Did you mean seed"),
        (["seed=a"], r"--seed is 'a'; it must be a whole number"),
        (["seed=5:5"], r"--vary seed: there is no value\. Give at least one"),
        (["seed=1,1"], r"--vary seed: the value 1 is given twice\. Keep one"),
        (["seed=0:2", "seed=3"], r"--vary names seed twice\. Give all its values at once"),
        (["seed=0:20:0"], r"--vary seed=0:20:0: the step is 0; give 1 or more"),
        (["seed=0:100001"], r"means 100,001 cells; a sweep may have 100,000"),
        (["selection.factor=1", "penalties.factor=2"], r"--vary names selection\.factor twice"),
    ],
)
def test_mistakes_in_what_is_varied(words, message):
    with pytest.raises(ConfigError, match=message):
        read_axes(words)


def test_more_cells_than_a_sweep_may_have_are_refused():
    axes = read_axes(["seed=0:1000", "resamples=1:102"])
    with pytest.raises(ConfigError, match=r"means 101,000 cells; a sweep may have 100,000"):
        combinations(axes)


def test_values_of_python_are_those_of_the_command_line():
    given = {"seed": np.arange(2), "penalties.factor": [0.3, 1], "models": [("bias", "naive")],
             "unit": ["animal"]}  # fmt: skip
    words = ["seed=0:2", "penalties.factor=0.3,1", "models=bias+naive", "unit=animal"]
    assert read_axes(given) == read_axes(words)
    with pytest.raises(ConfigError, match=r"vary\['seed'\] is 3; give its values as a list"):
        read_axes({"seed": 3})


def test_each_stands_for_the_subjects_of_the_table():
    axes = read_axes(["subjects=each", "seed=0:2"])
    assert combinations(with_subjects(axes, ["a", "b"])) == [
        (("a",), 0), (("a",), 1), (("b",), 0), (("b",), 1),
    ]  # fmt: skip


def test_cells_have_the_options_of_a_fit_and_a_name_for_each():
    base = FitConfig(seeds=1, resamples=50)
    cells = cells_of(base, read_axes(["seed=0:2", "penalties.factor=0.5,2"]))
    assert [cell.varied for cell in cells] == [
        {"seed": s, "penalties.factor": f} for s in (0, 1) for f in (0.5, 2.0)
    ]
    for cell in cells:
        expected = FitConfig(seeds=1, resamples=50, seed=cell.varied["seed"])
        assert cell.config.selection.factor == cell.varied["penalties.factor"]
        assert cell.config.seeds == 1
        assert cell.config.split == expected.split
        assert cell.name.endswith(cell.hash[:8])
    assert cells[1].name.startswith("seed=0,penalties.factor=2-")
    assert len({cell.hash for cell in cells}) == 4
    assert cells_of(base, read_axes(["penalties.factor=2", "seed=0"]))[0].hash == cells[1].hash


def test_a_value_that_a_fit_refuses_is_told_with_its_cell():
    with pytest.raises(ConfigError, match=r"The cell seeds=0: seeds is 0; it must be at least 1"):
        cells_of(FitConfig(), read_axes(["seeds=0,1"]))


def test_options_at_their_defaults_do_not_count():
    assert options_given(FitConfig()) == {}
    config = FitConfig(seeds=2, contrast=None)
    assert options_given(config) == {"seeds": 2}
    assert config_of(options_given(config)) == config
    with pytest.raises(ConfigError, match="This version of accumbens knows no option later"):
        config_of({"later": 1})


def test_a_plan_comes_back_and_damage_is_seen(tmp_path):
    cells = cells_of(FitConfig(), read_axes(["seed=0:3"]))
    plan = Plan("t.csv", "f", {}, cells, {"accumbens": "0"})
    write_plan(tmp_path, plan)
    assert read_plan(tmp_path) == plan
    assert plan.with_cells_of(plan) == plan
    text = (tmp_path / "sweep.json").read_text()
    for damaged in (text.replace('"seed": 2', '"seed": 9'), "{}", text.replace("t.csv", "")[:90]):
        (tmp_path / "sweep.json").write_text(damaged)
        with pytest.raises(DataError, match=r"sweep\.json is damaged"):
            read_plan(tmp_path)
    (tmp_path / "sweep.json").write_text(text.replace('"format": 1', '"format": 2'))
    with pytest.raises(DataError, match=r"A later version of accumbens wrote .*sweep\.json"):
        read_plan(tmp_path)
    with pytest.raises(DataError, match=r"holds no sweep: it has no sweep\.json"):
        read_plan(tmp_path / "other")
    assert hash_of({"a": 1, "b": 2}) == hash_of({"b": 2, "a": 1}) != hash_of({"a": 1})
