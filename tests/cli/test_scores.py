"""Scores in a terminal: readable for no, one, few and many signals."""

import io

import pytest
from rich.console import Console

from accumbens.cli.output import Output
from accumbens.cli.scores import SHOWN, print_differences, print_scores

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


@pytest.mark.parametrize(
    ("metric", "low", "high", "word"),
    [
        ("log_likelihood", 0.01, 0.03, "better"), ("log_likelihood", -0.03, -0.01, "worse"),
        ("log_likelihood", -0.01, 0.03, "not told apart"), ("mse", 0.01, 0.03, "worse"),
        ("mse", -0.03, -0.01, "better"), ("mse", None, None, "no interval"),
    ],
)  # fmt: skip
def test_is_it_better_is_answered_in_words(metric, low, high, word):
    choice = {"normalized_likelihood": 0.61, "normalized_likelihood_interval": [0.6, 0.62]}
    models = {name: {"choice": choice, "signal": {}} for name in MODELS}
    one = {"model": "dfq_signal", "reference": "disrnn", "signal": "", "metric": metric,
           "value": 0.02, "low": low, "high": high}  # fmt: skip
    metrics = {"models": models, "data": {"subjects": 1}, "unit": "subject",
               "differences": [one, one | {"metric": "normalized_likelihood"}]}  # fmt: skip
    out = io.StringIO()
    print_differences(Output(Console(file=out, width=110)), metrics)
    text = out.getvalue()
    assert (
        "Is it better than disRNN? Differences on the same trials (95 % over animals)"
        in " ".join(text.split())
    )
    rows = [line for line in text.splitlines() if "DFQ, signal" in line]
    assert len(rows) == 1
    assert f"│ {word}" in rows[0]
    print_differences(Output(Console(file=out, width=110)), metrics | {"differences": []})
    assert out.getvalue() == text


def test_differences_fit_a_terminal():
    out = io.StringIO()
    models = {name: {"choice": {}, "signal": {}} for name in MODELS}
    each = [{"model": name, "reference": "disrnn", "signal": "a signal", "metric": "mse",
             "value": 0.02123456, "low": 0.0123456, "high": 0.031234}
            for name in MODELS]  # fmt: skip
    metrics = {"models": models, "data": {"subjects": 1}, "differences": each}
    print_differences(Output(Console(file=out, width=80)), metrics)
    assert max(map(len, out.getvalue().splitlines())) <= 80
