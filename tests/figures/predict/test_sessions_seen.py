"""The curve of new subjects: the numbers as they were given, and a figure that can be read."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.predict.sessions_seen import (
    COLUMNS,
    draw_sessions_seen,
    sessions_seen_data,
)


@pytest.fixture
def table():
    rows = [
        (n, model, signal, metric, value + n / 100, value - 0.1, value + 0.1)
        for n in (4, 0, 1, 2)
        for model, value in (("disrnn", 0.6), ("gru", 0.55), ("dfq_signal", 0.5), ("mine", 0.4))
        for signal, metric in (("", "normalized_likelihood"), ("DA $x$", "mse"), ("DA $x$", "r2"))
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_the_numbers_are_those_given_less_what_is_not_drawn(table):
    table.loc[table["model"] == "mine", "value"] = np.nan
    data = sessions_seen_data(table, "Words.")
    assert data.table() is data.rows
    assert set(data.rows["metric"]) == {"normalized_likelihood", "mse"}
    assert set(data.rows["model"]) == {"disrnn", "gru", "dfq_signal"}
    kept = table[(table["metric"] != "r2") & (table["model"] != "mine")].reset_index(drop=True)
    pd.testing.assert_frame_equal(data.rows, kept)


def test_every_model_is_a_line_in_order_of_sessions(table, check_drawn):
    fig = Figure()
    draw_sessions_seen(sessions_seen_data(table, "Words."), fig)
    check_drawn(fig)
    choices, signal = fig.axes
    assert [line.get_xdata().tolist() for line in choices.lines] == [[0, 1, 2, 4]] * 4
    np.testing.assert_allclose(signal.lines[0].get_ydata(), [0.6, 0.61, 0.62, 0.64])
    assert signal.get_ylabel() == r"DA \$x\$: mean squared error ↓"
    (legend,) = fig.legends
    names = [text.get_text() for text in legend.get_texts()]
    assert names == ["disRNN", "GRU", "DFQ, signal", "mine"]
    (bar,) = choices.collections[0].get_segments()
    np.testing.assert_allclose(bar, [[4, 0.5], [4, 0.7]])


def test_what_cannot_be_drawn_says_so(table):
    with pytest.raises(ConfigError, match=r"lack the columns low, high\."):
        sessions_seen_data(table.drop(columns=["low", "high"]))
    with pytest.raises(ConfigError, match=r"have no value to draw"):
        sessions_seen_data(table.assign(value=np.nan))
