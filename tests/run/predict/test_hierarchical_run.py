"""Predictions of a run whose cognitive models and means know the animals."""

import dataclasses

import jax
import numpy as np
import pytest

from accumbens.fit.group.means import MeansGroup, with_new_means
from accumbens.fit.group.newcomers import with_newcomers
from accumbens.fit.group.priors import PlacePrior
from accumbens.io.tables.trials import write_table
from accumbens.models.by_subject import BySubject
from accumbens.run.fit.pipeline import run_fit
from accumbens.run.predict.analysis import run_predict
from accumbens.run.predict.config import PredictConfig
from helpers.new_data import CONFIG, metrics_of, scores, simulated

MODELS = ("q_learning", "dfq_signal", "naive")


def noisy(subjects, n_sessions, seed):
    """Signals of which no model knows all."""
    table = simulated(subjects, n_sessions, seed)
    noise = np.random.default_rng(seed).normal(size=len(table))
    return table.assign(dopamine=table["dopamine"] + noise)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hierarchical")
    write_table(noisy(("M9", "M1", "M4"), 4, 0), folder / "table.parquet")
    config = dataclasses.replace(CONFIG, models=MODELS, animals="hierarchical")
    return run_fit(folder / "table.parquet", config, folder / "run")


def test_new_animals_are_described_under_the_groups_mean_and_spread(run, tmp_path):
    write_table(noisy(("X", "M1"), 4, 3), tmp_path / "new.parquet")
    found = run_predict(run, tmp_path / "new.parquet", None, tmp_path / "p")
    first = found.trials.select_sessions(np.flatnonzero(found.describing))
    assert first.session_labels == ("X/1", "X/2")
    for name, target in (("q_learning", "choice"), ("dfq_signal", "signal")):
        own, described = run.model(name), found.models[name][0]
        assert isinstance(own, BySubject)
        assert own.subjects == ("M9", "M1", "M4")
        assert described.subjects == ("M9", "M1", "M4", "X")
        group = run.metrics["models"][name]["fit"]["group"]
        prior = {key: PlacePrior(one["mean"], one["spread"]) for key, one in group.items()}
        assert {"gain[dopamine]", "residual_sd[dopamine]"} < set(prior)
        wanted = with_newcomers(own, ["X"], first, prior=prior, target=target)
        near = {"rtol": 1e-3, "atol": 1e-5}
        for a, b in zip(jax.tree.leaves(wanted), jax.tree.leaves(described), strict=True):
            np.testing.assert_allclose(a, b, **near)
        assert float(described.of("X").gain[0]) != float(own.of("X").gain[0])
        for known in own.subjects:
            assert float(described.of(known).learning_rate) == float(own.of(known).learning_rate)
    differ = run.metrics["models"]["naive"]["fit"]["means_differ"]
    group = MeansGroup(*(np.array(differ[key]) for key in ("within", "between")))
    means = with_new_means(run.model("naive"), ["X"], first, group, np.ones(2, bool)).of("X")
    described = found.models["naive"][0].of("X")
    np.testing.assert_allclose(described.pattern_signal, means.pattern_signal, rtol=1e-5)
    assert np.isfinite(found.comparison.models["q_learning"].normalized_likelihood.value)


def test_without_sessions_they_have_the_groups_medians(run, tmp_path):
    write_table(noisy(("X",), 2, 3), tmp_path / "new.parquet")
    options = dataclasses.replace(PredictConfig.of_run(run.config), fit_sessions=0)
    found = run_predict(run, tmp_path / "new.parquet", options, tmp_path / "p")
    for name in MODELS[:2]:
        median = run.metrics["models"][name]["fit"]["group"]["learning_rate"]["median"]
        assert float(found.models[name][0].of("X").learning_rate) == pytest.approx(median, rel=1e-5)


def test_held_out_sessions_have_the_runs_own_scores(run, tmp_path):
    table = noisy(("M9", "M1", "M4"), 4, 0)
    label = table["subject"].astype(str) + "/" + table["session"].astype(str)
    write_table(table[label.isin(run.split.test)], tmp_path / "later.parquet")
    run_predict(run, tmp_path / "later.parquet", None, tmp_path / "p")
    own, again = scores(run.metrics), scores(metrics_of(tmp_path / "p"))
    for name in MODELS:
        for kind in ("choice", "signal"):
            assert own[name][kind].keys() == again[name][kind].keys()
        for metric, theirs in (("choice", "normalized_likelihood"), ("signal", "mse")):
            mine, new = own[name][metric], again[name][metric]
            mine, new = (x.get("dopamine", x) for x in (mine, new))
            np.testing.assert_allclose(new[theirs], mine[theirs], rtol=1e-5)
            wide = f"{theirs}_interval"
            np.testing.assert_allclose(new[wide], mine[wide], rtol=1e-4)
