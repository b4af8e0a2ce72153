"""A run folder that version 0.1.0 wrote still loads; its models say what they said then.

`fixtures/run_0_1_0` holds a small fit by the code of 0.1.0, without its tables and figures, and
what its models said of the first trials of three sessions (to 7 digits).
"""

import json
from pathlib import Path

import jax
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.run.fit.folder import load_run
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll

FOLDER = Path(__file__).parents[2] / "fixtures" / "run_0_1_0"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())


def test_configuration_split_and_metrics_are_read():
    assert (
        "[gru.stage]\nsteps = 60\nlearning_rate = 0.01\nbottleneck_rate = 3.0"
        in (FOLDER / "config.toml").read_text()
    )
    run = load_run(FOLDER)
    assert run.about["versions"]["accumbens"] == "0.1.0"
    assert run.config.gru.stage.steps == 60
    assert run.config.recipe.signal_stage.bottleneck_rate == 5.0
    assert run.config.recipe.disrnn.subject_embedding == 1
    assert run.model_names == ("disrnn", "dfq_choice", "naive", "gru")
    assert len(run.split.train) == len(run.split.test) == 4


@pytest.mark.parametrize("name", EXPECTED["models"])
def test_its_models_say_what_they_said(name):
    trials = trials_from_arrays(
        np.array(EXPECTED["trials"]["choice"]),
        np.array(EXPECTED["trials"]["outcome"]),
        subject=np.array(EXPECTED["trials"]["subject"]),
        names=TrialNames(choices=(0, 1), subjects=("mouse_01", "mouse_02")),
    )
    said = unroll(load_run(FOLDER).model(name), trials)
    expected = EXPECTED["models"][name]
    found = np.asarray(jax.nn.softmax(said.choice_logits))
    np.testing.assert_allclose(found, expected["choice_probabilities"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(said.signals, expected["signals"], rtol=1e-5, atol=1e-5)


def test_a_table_that_the_folder_lacks_is_named():
    run = load_run(FOLDER)
    with pytest.raises(DataError, match=r"This run has no predictions\.parquet in its folder"):
        run.predictions()
    with pytest.raises(DataError, match=r"no history\.parquet .*Copy the whole folder"):
        run.history()
    assert repr(run.folder) == f"RunFolder({str(FOLDER)!r})"
