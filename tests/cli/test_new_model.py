"""A model that is nothing but a file and an entry of the catalogue is offered by every command."""

import re
import sys
import types
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest
from jaxtyping import Array, Float
from matplotlib.figure import Figure

from accumbens.cli import main
from accumbens.figures import comparison_data, draw_comparison
from accumbens.models import catalogue
from accumbens.models.catalogue import ModelEntry
from accumbens.models.cognitive import CognitiveModel, Parameter, real
from accumbens.run.fit.folder import load_run


class WinStay(CognitiveModel):
    """Repeats a rewarded choice: logits = stay (2 r - 1) for the last choice, else 0."""

    parameters: ClassVar = {"stay": Parameter(-10.0, 10.0, (-2.0, 2.0), "log-odds to repeat")}
    stay: Float[Array, ""] = eqx.field(converter=real)

    def initial_state(self, subject):
        return (jnp.zeros_like(self.stay),) * self.n_choices

    def choice_logits(self, state):
        return jnp.stack(state)

    def prediction_error(self, state, choice, outcome):
        return self.reward_of(outcome) - 0.5

    def update(self, state, choice, outcome):
        drive = self.stay * (2 * self.reward_of(outcome) - 1)
        return tuple(jnp.where(choice == i, drive, 0.0) for i in range(self.n_choices))

    def latents(self, state):
        return {}


@pytest.fixture
def win_stay(monkeypatch):
    """The module in its place, and the entry at the end of the list."""
    module = types.ModuleType("accumbens.models.win_stay")
    module.WinStay = WinStay
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(WinStay, "__module__", module.__name__)
    entry = ModelEntry("win_stay", "win_stay:WinStay", "win-stay", "#E69F00", "*",
                       example={"stay": 1.5})  # fmt: skip
    monkeypatch.setattr(catalogue, "CATALOGUE", (*catalogue.CATALOGUE, entry))
    return entry


def said(capsys):
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", capsys.readouterr().out).split())


@pytest.mark.parametrize("command", ["fit", "simulate"])
def test_help_names_it(command, win_stay, capsys):
    main([command, "--help"])
    assert ", win_stay" in said(capsys)


def test_it_is_simulated_fitted_shown_compared_and_simulated_again(win_stay, tmp_path, capsys):
    table, run = str(tmp_path / "a.csv"), tmp_path / "run"
    main(["simulate", table, "--agent", "Win-Stay", "--sessions", "6", "--trials", "60",
          "--set", "stay=2.5"])  # fmt: skip
    main(["fit", table, "--out", str(run), "--models", "win_stay", "WIN STAY", "naive",
          "--resamples", "9"])  # fmt: skip
    main(["show", str(run)])
    assert "win-stay" in said(capsys)
    found = load_run(run)
    assert found.config.models == found.model_names == ("win_stay", "naive")
    fitted = found.model("win_stay")
    assert type(fitted) is WinStay
    assert abs(float(fitted.stay) - 2.5) < 1.0
    assert "| win-stay |" in (run / "table1.md").read_text()
    assert pd.read_csv(run / "table1.csv")["model"].tolist() == ["win_stay", "naive"]
    assert "win_stay" in (run / "figures" / "comparison.csv").read_text()
    again = str(tmp_path / "b.csv")
    main(["simulate", again, "--run-folder", str(run), "--model", "win-stay", "--sessions", "6"])
    trials = pd.read_csv(again)
    repeated = (trials["choice"] == trials["choice"].shift()) & (trials["trial"] > 0)
    assert repeated[trials["reward"].shift() == 1].mean() > 0.8


def test_figures_have_its_label_and_look(win_stay):
    rows = [{"model": name, "metric": "mse", "value": value, "low": 0.0, "high": 1.0}
            for name, value in (("win_stay", 0.4), ("mine", 0.5))]  # fmt: skip
    fig = Figure()
    draw_comparison(comparison_data(pd.DataFrame(rows)), fig)
    (ax,) = fig.axes
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["win-stay", "mine"]
    points = [line for line in ax.lines if line.get_marker() == "*"]
    assert [line.get_color() for line in points] == ["#E69F00"]
    np.testing.assert_array_equal(points[0].get_xdata(), [0.4])
