"""Long names, formulas and marks of direction are drawn as text, with room for the figure."""

import warnings

import jax
import pytest
from matplotlib.figure import Figure

from accumbens.figures.fit.bottlenecks import bottlenecks_data, draw_bottlenecks
from accumbens.figures.labels import MOST_LETTERS, printed, shortened, signal_label, symbol
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from helpers.hostile import ANIMALS, SIGNAL


def test_names_are_cut_and_lose_their_marks_of_direction():
    assert len(shortened("x" * 500)) == MOST_LETTERS
    assert shortened("x" * MOST_LETTERS) == "x" * MOST_LETTERS
    assert "\u202e" not in printed(ANIMALS[2])
    assert printed("5 $ \u200f-") == r"5 \$ −"
    assert len(symbol(SIGNAL)) == len(signal_label(SIGNAL)) == MOST_LETTERS


@pytest.mark.parametrize("name", [*ANIMALS, SIGNAL, "x" * 300])
def test_bottlenecks_of_any_name_are_drawn(name, tmp_path):
    model = DisRNN.initial(
        DisRNNConfig(latents=2), outcome_names=(name,), signal_names=(f"{name} ",),
        key=jax.random.key(0),
    )  # fmt: skip
    figure = Figure()
    draw_bottlenecks(bottlenecks_data(model), figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "Glyph")  # letters that the font lacks
        figure.savefig(tmp_path / "f.png")
