"""The numbers behind the figure of a trace around events."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.neural.event_response import draw_event_response, event_response_data
from accumbens.figures.save import save_figure
from accumbens.neural.events.aligned import AlignedTraces


@pytest.fixture(scope="module")
def aligned():
    values = np.random.default_rng(0).normal(size=(9, 30))
    values[3] = np.nan
    return AlignedTraces(np.arange(-10, 20) / 10, values, "dF/F (%)")


def test_means_are_those_of_each_condition(aligned, tmp_path):
    labels = ["rewarded", "unrewarded", "", "rewarded", "rewarded"] + ["unrewarded"] * 4
    data = event_response_data(aligned, "reward", labels, "One mouse.")
    assert data.conditions == ("rewarded", "unrewarded")
    assert data.each == (2, 5)
    for name in data.conditions:
        mine = [i for i, label in enumerate(labels) if label == name and i != 3]
        rows = data.rows[data.rows["condition"] == name]
        np.testing.assert_allclose(rows["mean"], aligned.values[mine].mean(0))
        assert (rows["n"] == len(mine)).all()
    np.testing.assert_array_equal(data.matrix[:2], aligned.values[[0, 4]])
    fig = Figure()
    draw_event_response(data, fig)
    assert save_figure(fig, tmp_path / "response", data).stat().st_size > 10_000
    labels = [text.get_text() for text in fig.axes[1].get_legend().get_texts()]
    assert labels == ["rewarded (2)", "unrewarded (5)"]


def test_what_cannot_be_drawn(aligned):
    with pytest.raises(
        ConfigError, match=r"9 events, but 1 conditions for them\. Give one for each"
    ):
        event_response_data(aligned, "reward", ["a"])
    with pytest.raises(ConfigError, match="No event has both a condition and a measured trace"):
        event_response_data(aligned, "reward", [""] * 9)
