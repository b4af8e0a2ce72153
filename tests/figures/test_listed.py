"""Lists of figures: whole, and a new figure is nothing but its file and an entry."""

import importlib
import pkgutil

import numpy as np
import pandas as pd
import pytest

import accumbens.figures
from accumbens.figures import draw_all
from accumbens.figures.credit import all as credit
from accumbens.figures.fit import all as fit
from accumbens.figures.listed import ListedFigure
from accumbens.figures.neural import all as neural
from accumbens.figures.predict import all as predict
from accumbens.scoring.comparison import compare

LISTS = {"fit": fit, "credit": credit, "neural": neural, "predict": predict}
NOT_OF_A_RUN = {"event_kernels", "event_response", "population", "raster"}
"""Drawn from recordings, which no kind of run holds."""


def drawn_by_files(folder):
    """Names of all figures with a file in a folder of `figures`, by their `draw_` functions."""
    package = importlib.import_module(f"accumbens.figures.{folder}")
    found = set()
    for module in pkgutil.iter_modules(package.__path__):
        if module.name != "all":
            contents = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
            found |= {
                name.removeprefix("draw_")
                for name, value in contents.items()
                if f"{name.removeprefix('draw_')}_data" in contents
                and name.startswith("draw_")
                and value.__module__.endswith(module.name)
            }
    return found


@pytest.mark.parametrize("folder", LISTS)
def test_every_figure_with_a_file_is_listed(folder):
    listed = {figure.name: figure for figure in LISTS[folder].FIGURES}
    assert len(listed) == len(LISTS[folder].FIGURES)
    assert set(listed) == drawn_by_files(folder) - NOT_OF_A_RUN
    for name, figure in listed.items():
        assert figure.draw.__name__ == f"draw_{name}"


@pytest.mark.parametrize("folder", LISTS)
def test_a_figure_that_is_public_is_so_with_its_numbers(folder):
    public = set(accumbens.figures.__all__)
    for figure in LISTS[folder].FIGURES:
        names = {f"draw_{figure.name}", f"{figure.name}_data"}
        assert names <= public or not names & public
        if names <= public:
            assert getattr(accumbens.figures, f"draw_{figure.name}") is figure.draw


def test_a_new_figure_is_drawn_with_the_others(make_trials, tmp_path, monkeypatch):
    table = pd.DataFrame({"choice": [0, 1], "share": [0.25, 0.75]})

    def draw_shares(data, fig):
        fig.subplots().bar(data["choice"], data["share"])

    def shares(results):
        assert results.trials is trials
        return [table, table.assign(share=0.5)]

    entry = ListedFigure("shares", shares, draw_shares)
    monkeypatch.setattr(fit, "FIGURES", (*fit.FIGURES, entry))
    trials = make_trials()
    drawn = draw_all(None, trials, tmp_path / "figures")
    assert list(drawn)[-2:] == ["shares", "shares_2"]
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "figures" / "shares.csv"), table)
    assert drawn["shares_2"].read_bytes().startswith(b"\x89PNG")


def test_models_are_compared_without_a_disrnn(make_trials, make_model, tmp_path):
    trials = make_trials()
    models = {"mine": make_model(trials, [0])}
    comparison = compare(models, trials, rng=np.random.default_rng(0), n_draws=5)
    drawn = draw_all(None, trials, tmp_path, comparison=comparison)
    assert "comparison" in drawn
    assert not {"bottlenecks", "choice_rule", "update_rule", "penalty_path"} & drawn.keys()
