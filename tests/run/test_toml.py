"""Any configuration comes back from its file, old files are read, and mistakes are named."""

import copy
import dataclasses
import pickle
from pathlib import Path

import pytest

from accumbens.cli.fit import FitCommand
from accumbens.cli.parsing import parse
from accumbens.credit import PowerConfig
from accumbens.errors import ConfigError
from accumbens.fit import DisRNNStageConfig, GRUConfig, RecipeConfig, StageConfig
from accumbens.io import TableFormat
from accumbens.run import ConvertConfig, CreditConfig, FitConfig, SelectivityConfig
from accumbens.run.convert.config import PhotometryConfig, SpikesConfig
from accumbens.run.toml import RENAMED, as_tables, read_about, read_toml, read_values, write_toml

CONFIGS = [
    FitConfig(),
    CreditConfig("reward", "tone", probabilities=("0.5", "p", "q"), ridge="cv", missed=(2, "late")),
    CreditConfig("reward", subject=None, ridge=2.0),
    SelectivityConfig("linear_shift", TableFormat(outcome=("a", "b")), regions=Path("x.csv")),
    PowerConfig(weight=(0.1, 0.2), mice=(3,), sessions=(1,)),
    ConvertConfig(
        photometry=PhotometryConfig(("G_1",), control=("R_1",), file=(Path("a.ppd"),)),
        spikes=SpikesConfig(event="cue", window=(-1.0, 0.5)),
        event_unit="ms",
    ),
    GRUConfig(hidden=3, stage=StageConfig(steps=7)),
]


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_every_configuration_comes_back(config, tmp_path):
    path = tmp_path / "config.toml"
    write_toml(path, config, {"versions": {"accumbens": "9"}})
    assert read_toml(type(config), path) == config
    assert read_about(path) == {"versions": {"accumbens": "9"}}


def read(tree, text, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return read_toml(tree, path)


def test_what_a_file_leaves_out_keeps_the_default_of_its_place(tmp_path):
    text = "seed = 5\n[recipe.choice-stage]\nsteps = 9\nlearning_rate = 1\n"
    expected = FitConfig(seed=5)
    stage = dataclasses.replace(expected.recipe.choice_stage, steps=9, learning_rate=1.0)
    recipe = dataclasses.replace(expected.recipe, choice_stage=stage)
    assert read(FitConfig, text, tmp_path) == dataclasses.replace(expected, recipe=recipe)


def test_names_of_the_command_line_serve_too(tmp_path):
    text = 'signal = ["da"]\n[choice-stage]\nsteps = 9\n[penalties]\nlatent = 0.5\n'
    found = read(FitConfig, text, tmp_path)
    assert found.table.signal == ("da",)
    assert found.recipe.choice_stage.steps == 9
    assert found.recipe.penalties.latent == 0.5
    with pytest.raises(ConfigError, match=r"mine\.toml: table\.signal is given twice\. Keep one"):
        read(FitConfig, f"{text}[table]\nsignal = []\n", tmp_path)


def test_options_that_never_did_anything_are_still_read(tmp_path):
    assert read(FitConfig, "[gru.stage]\nbottleneck_rate = 2.0\nsteps = 8\n", tmp_path) == (
        dataclasses.replace(
            FitConfig(),
            gru=dataclasses.replace(
                FitConfig().gru, stage=dataclasses.replace(FitConfig().gru.stage, steps=8)
            ),
        )
    )


def test_an_option_that_was_renamed_is_read_by_its_old_name(tmp_path, monkeypatch):
    monkeypatch.setitem(RENAMED, "recipe.rounds", "recipe.choice_stage.steps")
    assert read(FitConfig, "[recipe]\nrounds = 8\n", tmp_path).recipe.choice_stage.steps == 8
    monkeypatch.setitem(RENAMED, "seed", None)
    assert read(FitConfig, "seed = 8\n", tmp_path).seed == 8


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead = 5", r"unknown option sead\. Did you mean seeds? or seeds?\?"),
        ("[recipe]\nwarmup = 5", r"unknown option recipe\.warmup\. Did you mean recipe\.warm_up"),
        ("latens = 5", r"unknown option latens\. Did you mean .*recipe\.disrnn\.latents"),
        ("zzz = 5", r"unknown option zzz\. Known: table, split, recipe, .*gru, models"),
        ("seed = 'a'", r"seed is 'a'; it must be a whole number"),
        ("seed = true", r"seed is True; it must be a whole number"),
        ("models = 'gru'", r"models must be a list, such as models = \[\.\.\.\]"),
        ("models = ['grue']", r"There is no model 'grue'\. Did you mean gru\?"),
        ("recipe = 3", r"recipe must be a table, such as \[recipe\]"),
        ("seeds = 0", r"seeds is 0; it must be at least 1"),
        ("[recipe.disrnn]\nactivation = 'relo'", r"activation is 'relo'; choose one of"),
        ("[recipe.penalties]\nlatent = 30.0", r"penalties\.latent is 30; it must lie between"),
        ("seed =", r"is not a TOML file"),
        ("x = " + "[" * 5000, r"is not a TOML file"),
        ("[seed]\nx = 1", r"seed is a table; it must be a whole number"),
        (f"seed = {'9' * 5000}", r"is not a TOML file"),
    ],
)
def test_mistakes_in_a_file_are_named(text, message, tmp_path):
    with pytest.raises(ConfigError, match=message) as caught:
        read(FitConfig, text, tmp_path)
    assert "mine.toml" in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot read the configuration .*none\.toml: No such"):
        read_toml(FitConfig, tmp_path / "none.toml")
    with pytest.raises(ConfigError, match=r"Cannot read the configuration .*: Is a directory"):
        read_toml(FitConfig, tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"choice = '\xe9'")
    with pytest.raises(ConfigError, match=r"latin\.toml is not a text file in UTF-8"):
        read_toml(FitConfig, tmp_path / "latin.toml")
    (tmp_path / "about.toml").write_text("about = 3")
    with pytest.raises(ConfigError, match=r"about must be a table"):
        read_about(tmp_path / "about.toml")


def test_a_required_option_that_a_file_lacks_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"mine\.toml: --controllable is missing\. Column of"):
        read(CreditConfig, "lags = 3", tmp_path)


def test_none_is_an_empty_string():
    assert as_tables(CreditConfig("reward"))["distractor"] == ""


OLD = Path(__file__).parents[1] / "fixtures" / "configs_0_1_0"


def test_files_of_version_0_1_0_are_read():
    """Each as that version wrote it, with every option of its time."""
    models = ("disrnn", "gru", "naive")
    gru = GRUConfig(subject_embedding=0, l2=1e-4)  # which are given there, so nobody chooses them
    expected = FitConfig(table=TableFormat(signal=("dopamine",)), gru=gru, seed=3, models=models)
    assert read_toml(FitConfig, OLD / "fit.toml") == expected
    expected = CreditConfig("controllable", "distractor", lags=7)
    assert read_toml(CreditConfig, OLD / "credit.toml") == expected
    expected = SelectivityConfig("linear_shift", TableFormat(outcome=("reward",)), seed=2)
    assert read_toml(SelectivityConfig, OLD / "selectivity.toml") == expected
    assert read_about(OLD / "credit.toml")["kind"] == "credit"
    assert "bottleneck_rate" in (OLD / "fit.toml").read_text().split("[gru.stage]")[1]


def test_a_file_that_is_no_text_is_refused(tmp_path):
    path = tmp_path / "options.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"is not a text file in UTF-8.*Save it as UTF-8"):
        read_toml(FitConfig, path)


@dataclasses.dataclass(frozen=True)
class Bare:
    """A command that has no options."""


def test_a_command_without_options_says_so(tmp_path):
    path = tmp_path / "options.toml"
    path.write_text("seed = 1")
    with pytest.raises(ConfigError, match=r"unknown option seed\. The command has no options\."):
        read_values(Bare, path)


STAGES = {
    "warm-up": lambda stage: FitConfig(recipe=RecipeConfig(warm_up=stage)),
    "choice-stage": lambda stage: FitConfig(recipe=RecipeConfig(choice_stage=stage)),
    "signal-stage": lambda stage: FitConfig(recipe=RecipeConfig(signal_stage=stage)),
    "gru.stage": lambda stage: FitConfig(gru=GRUConfig(stage=stage)),
}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_in_python_is_that_of_the_command_line(stage):
    said = parse(FitCommand, ["t.csv", f"--{stage}.steps", "7", f"--{stage}.clip", "2"], "fit")
    kind = StageConfig if stage == "gru.stage" else DisRNNStageConfig
    assert STAGES[stage](kind(7, clip=2.0)) == said.options
    assert said.options != FitConfig()
    assert STAGES[stage](kind()) == FitConfig()


def test_a_stage_given_in_part_stays_what_it_is_when_copied():
    recipe = RecipeConfig(signal_stage=DisRNNStageConfig(steps=3))
    assert recipe.signal_stage.bottleneck_rate == 5.0
    assert dataclasses.replace(recipe, joint=True).signal_stage == recipe.signal_stage
    assert pickle.loads(pickle.dumps(recipe)) == copy.deepcopy(recipe) == recipe
    back = RecipeConfig(signal_stage=pickle.loads(pickle.dumps(DisRNNStageConfig(steps=3))))
    assert back == recipe
    with pytest.raises(ConfigError, match=r"gru\.stage has no bottleneck_rate\. Leave it out"):
        GRUConfig(stage=DisRNNStageConfig(bottleneck_rate=2.0))
