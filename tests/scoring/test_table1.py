"""The table of a paper in four formats, with names that try to break them."""

import csv
import io
import re

import numpy as np
import pytest
from rich.console import Console

from accumbens.scoring.comparison import compare
from accumbens.scoring.metrics import Predictions
from accumbens.scoring.table1 import (
    table1_csv,
    table1_latex,
    table1_markdown,
    table1_rich,
)
from accumbens.trials import Trials
from helpers.table import example_trials

AWKWARD = r'DFQ_{1}|100% & $x$ #~^\ [bold]*"<b>", `a`'


@pytest.fixture(scope="module")
def comparison():
    trials: Trials = example_trials(2, 1).with_signals(example_trials(2, 1).signal, ("da_z|50%",))
    chance = np.zeros((*trials.choice.shape, 2))
    good = 2.0 * (np.arange(2) == np.maximum(trials.choice, 0)[..., None])
    models = {
        AWKWARD: Predictions(good, trials.signal + 2.0),
        "naive": Predictions(chance, trials.signal + 1.0),
        "choice only": Predictions(chance, trials.signal[..., :0]),
    }
    return compare(models, trials, rng=np.random.default_rng(0), n_draws=50)


def test_csv_holds_all_digits_and_awkward_names(comparison):
    head, *rows = csv.reader(io.StringIO(table1_csv(comparison)))
    assert head[:4] == ["model", "choice_NL", "choice_NL_low", "choice_NL_high"]
    assert head[4:7] == ["MSE_da_z|50%", "MSE_da_z|50%_low", "MSE_da_z|50%_high"]
    assert [row[0] for row in rows] == [AWKWARD, "naive", "choice only"]
    assert float(rows[0][1]) == comparison.models[AWKWARD].normalized_likelihood.value
    assert rows[2][4:] == [""] * 6


def test_markdown_has_whole_rows_and_marks_the_best(comparison):
    head, line, *rows = table1_markdown(comparison).split("\n\n")[0].splitlines()
    pipes = [len(re.findall(r"(?<!\\)\|", row)) for row in (head, line, *rows)]
    assert pipes == [5] * 5
    assert head == r"| model | choice NL ↑ | da\_z\|50% MSE ↓ | da\_z\|50% R2 ↑ |"
    best = comparison.models[AWKWARD].normalized_likelihood
    assert f"| **{best.value:.4f} [{best.low:.4f}, {best.high:.4f}]** |" in rows[0]
    assert rows[1].count("**") == 4
    assert "**" not in rows[1].split("|")[2]
    assert rows[2].endswith("| – | – |")
    assert r"DFQ\_\{1\}\|100% & $x$ \#\~^\\ \[bold\]\*" in rows[0]


def test_latex_escapes_everything_and_balances(comparison):
    text = table1_latex(comparison)
    for rule in (r"\toprule", r"\midrule", r"\bottomrule", r"\begin{tabular}{lrrr}"):
        assert text.count(rule) == 1
    body = text.split(r"\midrule")[1].split(r"\bottomrule")[0].strip().splitlines()
    assert len(body) == 3
    for row in body:
        assert row.endswith(r" \\")
        assert len(re.findall(r"(?<!\\)&", row)) == 3
    assert r"DFQ\_\{1\}\textbar{}100\% \& \$x\$ \#\textasciitilde{}\textasciicircum{}" in body[0]
    assert r"\textbackslash{} [bold]*{\char34}\textless{}b\textgreater{}" in body[0]
    assert body[0].count(r"\textbf{") == 1
    assert body[1].count(r"\textbf{") == 2
    plain = re.sub(r"\\[{}]", "", text)
    assert plain.count("{") == plain.count("}")
    assert not re.search(r"(?<!\\)[%#_]", text)


def test_rich_shows_names_and_numbers_as_they_are(comparison):
    console = Console(record=True, width=250, file=io.StringIO())
    console.print(table1_rich(comparison))
    text = console.export_text()
    assert AWKWARD in text
    assert f"{comparison.models['naive'].signals['da_z|50%'].mse.value:.4f} [" in text
    assert "50 resamples (unit: session within subject)" in text


def test_nothing_is_best_of_one():
    trials = example_trials(2, 0)
    model = Predictions(np.zeros((*trials.choice.shape, 2)), trials.signal)
    one = compare({"m": model}, trials, rng=np.random.default_rng(0), n_draws=20)
    assert "**" not in table1_markdown(one)
    assert "textbf" not in table1_latex(one)


def test_notes_stand_below_escaped_and_in_csv_beside_their_model(comparison):
    notes = ("naive: 100% WORSE_", "second")
    _, *below = table1_markdown(comparison, notes=notes).rstrip("\n").split("\n\n")
    assert below[1:] == [r"naive: 100% WORSE\_", "second"]
    latex = table1_latex(comparison, notes=notes)
    after = latex.split(r"\end{tabular}")[1].strip().splitlines()
    assert after == [
        r"\par\smallskip\footnotesize naive: 100\% WORSE\_",
        r"\par\smallskip\footnotesize second",
        r"\end{table}",
    ]
    head, *rows = csv.reader(io.StringIO(table1_csv(comparison, {"naive": "WORSE, much"})))
    assert head[-1] == "note"
    assert [row[-1] for row in rows] == ["", "WORSE, much", ""]
    assert "note" not in table1_csv(comparison).splitlines()[0]
