"""The figure of shrinkage: a line for each subject, from its own data to its estimate."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.fit.shrinkage import draw_shrinkage, shrinkage_data


def notes(n_parameters=2):
    names = ["learning_rate", *(f"courage_{i}" for i in range(1, n_parameters))]
    group = {"median": 0.5, "low": 0.3, "high": 0.7}
    own = {
        "m1": {"alone": 0.2, "estimate": 0.4, "low": 0.3, "high": 0.5},
        "m2": {"alone": None, "estimate": 0.5, "low": 0.3, "high": 0.7},
    }
    return {
        "group": dict.fromkeys(names, group),
        "subjects": {subject: dict.fromkeys(names, each) for subject, each in own.items()},
    }


def test_what_is_drawn_is_what_the_record_says():
    data = shrinkage_data(notes(), "DFQ", "2 subjects")
    assert data.table().shape == (4, 9)
    fig = Figure()
    draw_shrinkage(data, fig)
    assert [panel.get_ylabel() for panel in fig.axes] == [
        "learning rate\n(share per trial)", "courage 1",
    ]  # fmt: skip
    lines = [line for line in fig.axes[0].lines if len(line.get_xdata()) == 2]
    median, first, second = (line.get_ydata() for line in lines)
    assert list(median) == [0.5, 0.5]
    assert list(first) == [0.2, 0.4]
    assert np.isnan(second[0])
    assert second[1] == 0.5
    low, high = fig.axes[0].get_ylim()
    assert low < 0.2
    assert high > 0.7
    assert "2 subjects" in " ".join(text.get_text() for text in fig.texts)


def test_panels_go_on_in_a_second_row():
    fig = Figure()
    draw_shrinkage(shrinkage_data(notes(5), "DFQ"), fig)
    assert len(fig.axes) == 5


def test_a_fit_without_a_group_has_nothing_to_draw():
    with pytest.raises(ConfigError, match="The fit of DFQ has no group above its subjects"):
        shrinkage_data({"parameters": {}}, "DFQ")
