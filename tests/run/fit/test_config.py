"""The configuration tree: TOML and Python are the same thing, and mistakes are named."""

import dataclasses

import pytest
import tomli_w

from accumbens.errors import ConfigError
from accumbens.fit.disrnn.recipe import RecipeConfig
from accumbens.fit.disrnn.stage import DisRNNStageConfig
from accumbens.io.tables.format import TableFormat
from accumbens.run.fit.config import FitConfig, config_as_dict, read_config

UNUSUAL = FitConfig(
    table=TableFormat(outcome=("food", "juice"), signal=("da",), session=None, missed=(2, "late")),
    recipe=RecipeConfig(choice_stage=DisRNNStageConfig(steps=7, learning_rate=0.5), joint=True),
    models=("gru", "naive"),
    seed=3,
)


@pytest.mark.parametrize("config", [FitConfig(), UNUSUAL])
def test_toml_brings_back_the_same_tree(config, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(tomli_w.dumps(config_as_dict(config)))
    assert read_config(path) == config


def test_what_a_file_leaves_out_keeps_its_default(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("seed = 5\n[recipe.choice-stage]\nsteps = 9\nlearning_rate = 1\n")
    expected = dataclasses.replace(
        FitConfig(seed=5),
        recipe=RecipeConfig(choice_stage=DisRNNStageConfig(steps=9, learning_rate=1.0)),
    )
    assert read_config(path) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sead = 5", r"unknown option sead\. Did you mean seed\?"),
        ("[recipe]\nwarmup = 5", r"unknown option recipe\.warmup\. Did you mean warm_up\?"),
        ("seed = 'a'", r"seed is 'a'; it must be of type int"),
        ("seed = true", r"seed is True; it must be of type int"),
        ("models = 'gru'", r"models must be a list"),
        (
            "models = ['grue']",
            r"There is no model 'grue'\. Did you mean gru\? The models that can be fitted: disrnn,",
        ),
        ("recipe = 3", r"recipe must be a table, such as \[recipe\]"),
        ("seeds = 0", r"seeds is 0; it must be at least 1"),
        ("[recipe.disrnn]\nactivation = 'relo'", r"activation is 'relo'; choose one of"),
        ("[recipe.penalties]\nlatent = 30.0", r"penalties\.latent is 30; it must lie between"),
        ("seed =", r"is not a TOML file"),
    ],
)
def test_mistakes_in_a_file_are_named(text, message, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        read_config(path)
    assert "mine.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"Cannot read the configuration .*none\.toml: No such"):
        read_config(tmp_path / "none.toml")
