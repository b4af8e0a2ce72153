"""Scores in a terminal: readable for no, one, few and many signals."""

import io

import pytest
from rich.console import Console

from accumbens.cli.output import Output
from accumbens.cli.scores import SHOWN, print_scores

MODELS = ("disrnn", "dfq_signal", "naive")


def printed(n_signals, width=80):
    score = {"mse": 0.5, "mse_interval": [0.4, 0.6], "r2": 0.25}
    signals = {f"unit_{i}": score for i in range(n_signals)}
    choice = {"normalized_likelihood": 0.61, "normalized_likelihood_interval": [0.6, 0.62]}
    models = {name: {"choice": choice, "signal": signals} for name in MODELS}
    models["dfq_choice"] = {"choice": choice, "signal": {}}
    metrics = {"models": models, "data": {"subjects": 1}}
    out = io.StringIO()
    print_scores(Output(Console(file=out, width=width)), metrics, "Held-out sessions", 5)
    return out.getvalue()


def test_one_signal_stands_beside_the_choices():
    text = printed(1, 100)
    assert "unit_0 MSE ↓" in text
    assert text.count("0.5000 [0.4000, 0.6000]") == 3
    assert text.count("0.6100 [0.6000, 0.6200]") == 4


@pytest.mark.parametrize("n", [2, 4])
def test_few_signals_have_a_table_with_intervals(n):
    text = printed(n)
    assert text.count("0.6100 [0.6000, 0.6200]") == 4
    assert text.count("0.5000 [0.4000, 0.6000]") == 3 * n
    assert all(f"│ unit_{i} │" in text for i in range(n))


def test_many_signals_have_a_row_each():
    text = printed(50)
    assert text.count("0.250") == 3 * SHOWN
    assert "... and 30 more signals" in text
    assert "[0.4000" not in text
    assert max(map(len, text.splitlines())) <= 80


def test_without_a_signal_there_is_one_table():
    assert "Signals" not in printed(0)
