"""Predictions of a run whose cognitive models know the animals."""

import dataclasses

import numpy as np
import pytest

from accumbens.io.tables.trials import write_table
from accumbens.models.by_subject import BySubject
from accumbens.run.fit.pipeline import run_fit
from accumbens.run.predict.analysis import run_predict
from accumbens.run.predict.config import PredictConfig
from helpers.new_data import CONFIG, simulated


def test_new_animals_get_parameters_of_their_own_and_known_ones_keep_theirs(tmp_path):
    write_table(simulated(("M9", "M1", "M4"), 4, 0), tmp_path / "table.parquet")
    config = dataclasses.replace(
        CONFIG, models=("q_learning", "dfq_signal"), animals="hierarchical"
    )
    run = run_fit(tmp_path / "table.parquet", config, tmp_path / "run")
    own = run.model("q_learning")
    assert isinstance(own, BySubject)
    assert own.subjects == ("M9", "M1", "M4")
    write_table(simulated(("X", "M1"), 4, 3), tmp_path / "new.parquet")
    found = run_predict(run, tmp_path / "new.parquet", None, tmp_path / "p")
    described = found.models["q_learning"][0]
    assert described.subjects == ("M9", "M1", "M4", "X")
    group, new = own.of("X"), described.of("X")
    assert float(new.learning_rate) != float(group.learning_rate)
    of_signal = found.models["dfq_signal"][0]  # no choice says what a signal's model is
    assert float(of_signal.of("X").learning_rate) == float(
        run.model("dfq_signal").of("X").learning_rate
    )
    for name in own.subjects:
        assert float(described.of(name).learning_rate) == float(own.of(name).learning_rate)
    options = dataclasses.replace(PredictConfig.of_run(run.config), fit_sessions=0)
    alone = run_predict(run, tmp_path / "new.parquet", options, tmp_path / "q")
    assert float(alone.models["q_learning"][0].of("X").learning_rate) == pytest.approx(
        float(group.learning_rate)
    )
    assert np.isfinite(found.comparison.models["q_learning"].normalized_likelihood.value)
