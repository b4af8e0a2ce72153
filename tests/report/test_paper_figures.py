"""Pages of papers: their size, their fonts, and numbers that are those of the records."""

import re
import zlib

import jax
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from accumbens.cohort import draw_agents, simulate_cohort
from accumbens.errors import ConfigError
from accumbens.figures.composed import Panel, compose
from accumbens.figures.fit.bottlenecks import bottlenecks_data, draw_bottlenecks
from accumbens.figures.journals import JOURNALS, page_of
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.structured import StructureMixture
from accumbens.report import Report
from accumbens.report.papers import credit as paper
from accumbens.report.papers.dopamine import fitted_trials, table1_data
from accumbens.report.papers.written import write_paper_figures
from accumbens.report.records import Records
from accumbens.run.credit.analysis import run_credit
from accumbens.run.credit.config import CreditConfig
from accumbens.run.selectivity.analysis import run_selectivity
from accumbens.run.selectivity.config import SelectivityConfig
from accumbens.scoring.latex import escaped_latex
from accumbens.tasks.distractor import DistractorRewards
from helpers.hostile import ANIMALS, SIGNAL

POINTS = 72 / 25.4
NAIVE, SAVVY = "structure-naive agent", "structure-savvy agent"


def size_of(pdf):
    """Width and height of the page of a PDF, in mm."""
    box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", pdf.read_bytes())
    return tuple(float(number) / POINTS for number in box.groups())


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Two animals of three sessions, whose names are hostile, with two units."""
    agents = draw_agents(
        StructureMixture,
        {"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5},
        2, 0.1, key=jax.random.key(0),
    )  # fmt: skip
    made = simulate_cohort(
        agents, DistractorRewards(), n_sessions=3, n_trials=120, key=jax.random.key(1)
    )
    frame = to_table(made)
    frame["subject"] = [ANIMALS[i] for i in (frame["subject"] == frame["subject"].iloc[0])]
    rng = np.random.default_rng(0)
    frame["unit_a$_1"] = 5 + 4 * frame["controllable"] + rng.normal(size=len(frame))
    frame["unit_b"] = 5 + rng.normal(size=len(frame))
    path = tmp_path_factory.mktemp("papers") / "t.parquet"
    frame.to_parquet(path)
    return path


@pytest.fixture(scope="module")
def credit(table):
    config = CreditConfig("controllable", "distractor", lags=3, resamples=30, bootstrap=30)
    run_credit(table, config, table.parent / "credit")
    return table.parent / "credit"


@pytest.fixture
def few_agents(monkeypatch):
    for name, value in (("N_AGENTS", 2), ("N_SESSIONS", 2), ("N_TRIALS", 100)):
        monkeypatch.setattr(paper, name, value)


@pytest.fixture(scope="module")
def pages(run, tmp_path_factory):
    """The folder with those of a fit."""
    folder = tmp_path_factory.mktemp("dopamine")
    written = write_paper_figures(run.folder.path, "dopamine", folder / "f", journal="cell")
    assert [png.parent for png in written.values()] == [folder / "f"] * 3
    assert list(written) == ["figure_2", "figure_3", "table_1"]
    return folder / "f"


def test_pages_of_a_fit_have_the_journals_size_and_the_numbers_of_the_run(run, pages):
    page = page_of("cell")
    for stem in ("figure_2", "figure_3", "table_1"):
        pdf = pages / f"{stem}.pdf"
        width, height = size_of(pdf)
        assert width <= page.page + 0.1
        assert height <= page.height + 0.1
        assert b"/Type3" not in pdf.read_bytes()
    assert size_of(pages / "figure_2.pdf")[0] == pytest.approx(page.page, abs=0.1)
    numbers = pd.read_csv(pages / "figure_2.csv")
    assert set(numbers["panel"]) == {"a", "b", "c"}
    own = pd.read_csv(run.folder.figures / "bottlenecks.csv")
    np.testing.assert_allclose(numbers.query("panel == 'a'")["noise"], own["noise"])
    rule = pd.read_csv(run.folder.figures / "choice_rule.csv")
    again = numbers.query("panel == 'b'")
    np.testing.assert_allclose(again["log_odds"], rule["log_odds"], atol=1e-5)


def test_table_1_is_that_of_the_run(run, pages):
    table = pd.read_csv(pages / "table_1.csv")
    stored = pd.read_csv(run.folder.path / "table1.csv")
    np.testing.assert_allclose(
        table.drop(columns="model").to_numpy(float),
        stored.drop(columns=["model", "note"]).to_numpy(float),
    )
    latex = (pages / "table_1.tex").read_text()
    again = (run.folder.path / "table1.tex").read_text()
    body = [text.split(r"\midrule")[1].split(r"\bottomrule")[0] for text in (latex, again)]
    assert body[0] == body[1]
    assert escaped_latex(SIGNAL) in latex
    whole = table1_data(run.metrics).whole
    assert whole.columns[0].best == int(np.argmax(table["choice NL"]))


def test_the_fitted_trials_are_those_of_the_table(run):
    found = fitted_trials(Records(run.folder.path))
    assert found.n_sessions == run.metrics["data"]["sessions_fitted"]
    assert set(found.names.subjects) == set(ANIMALS)
    assert found.instructed.any()


def test_credit_has_figures_1c_and_2(credit, tmp_path, few_agents):
    written = write_paper_figures(credit, out=tmp_path, captions=False)
    assert list(written) == ["figure_1c", "figure_2"]
    numbers = pd.read_csv(tmp_path / "figure_2.csv")
    assert set(numbers["panel"]) == {"a-c", "d"}
    weights = numbers.query("panel == 'a-c'")
    assert list(dict.fromkeys(weights["group"])) == [NAIVE, SAVVY, "animals"]
    stored = pd.read_csv(credit / "figures" / "history_weights.csv")
    mine = weights[weights["group"] == "animals"]
    for column in ("weight", "low", "high"):
        np.testing.assert_allclose(mine[column].to_numpy(float), stored[column].to_numpy(float))
    indices = pd.read_csv(credit / "figures" / "credit_indices.csv")
    again = numbers.query("panel == 'd'")
    for column in ("x", "x_low", "y", "y_high"):
        np.testing.assert_allclose(again[column].to_numpy(float), indices[column].to_numpy(float))
    session = pd.read_csv(credit / "figures" / "credit_session.csv")
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "figure_1c.csv"), session)
    said = (tmp_path / "captions.md").read_text()
    assert "p in these animals" in said
    assert "controllable with probability 0.8 or 0.2" in said


def test_selectivity_has_figure_3(table, tmp_path):
    form = TableFormat(outcome=("controllable", "distractor"), signal=("unit_*",))
    config = SelectivityConfig(test="schedule", table=form, resamples=30)
    run_selectivity(table, config, tmp_path / "s")
    written = write_paper_figures(tmp_path / "s", "credit")
    assert list(written) == ["figure_3"]
    assert written["figure_3"].parent == tmp_path / "s" / "figures" / "credit"
    rows = pd.read_csv(written["figure_3"].with_suffix(".csv"))
    assert rows["unit"].iloc[0] == "unit_a$_1"
    page = Report(tmp_path / "s").html
    found = pd.read_parquet(tmp_path / "s" / "selectivity.parquet")
    n = int(found.query("contrast == 'controllable'")["selective"].sum())
    assert f"controllable: {n} of 2 units respond to it." in page
    assert "Test: rewards redrawn from their probabilities; false discovery rate 0.05" in page
    assert "Mean response of the most selective units to each type of outcome" in page


def test_mistakes_say_what_to_do(run, credit, tmp_path, few_agents):
    with pytest.raises(ConfigError, match="kind fit, which has no figures of the paper 'credit'"):
        write_paper_figures(run.folder.path, "credit", tmp_path)
    with pytest.raises(ConfigError, match=r"There is no journal 'x'; there are nature, science"):
        write_paper_figures(run.folder.path, out=tmp_path, journal="x")
    (tmp_path / "figure_2.pdf").write_text("mine")
    with pytest.raises(ConfigError, match=r"has figure_2\.pdf already.*--replace"):
        write_paper_figures(credit, out=tmp_path)
    write_paper_figures(credit, out=tmp_path, replace=True)
    assert (tmp_path / "figure_2.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("journal", ["science", "plos"])
def test_pages_fit_their_journal(journal):
    model = DisRNN.initial(
        DisRNNConfig(latents=3), outcome_names=("reward",), signal_names=(), key=jax.random.key(0)
    )
    panel = Panel(bottlenecks_data(model), draw_bottlenecks)
    size, fig = page_of(journal), Figure()
    caption = compose([[panel, panel], [panel]], fig, size)
    width, height = fig.get_size_inches() * 25.4
    assert width == pytest.approx(size.page)
    assert height <= size.height + 1e-6
    assert [part.get_suptitle() for part in fig.subfigs] == ["a", "b", "c", ""]
    assert caption.startswith("(a) ")
    assert "(c) " in caption
    without = Figure()
    assert compose([[panel]], without, size, captions=False) == caption.split(" (b)")[0][4:]
    assert [part.get_suptitle() for part in without.subfigs] == [""]
    assert all(0 < s.column < s.page < s.height < 300 for s in JOURNALS.values())


def test_latex_takes_any_text_for_text():
    assert escaped_latex("[x] a--b\n\u202eé") == r"{[}x] a-{}-b é"
    assert escaped_latex("*") == "{*}"
    assert escaped_latex(r'\input{x} "50 %" $x_1^2$ & ~#') == (
        r"\textbackslash{}input\{x\} {\char34}50 \%{\char34} \$x\_1\textasciicircum{}2\$ \& "
        r"\textasciitilde{}\#"
    )
    assert escaped_latex("–0.1 … −2") == r"--0.1 \ldots{} $-$2"


def test_fonts_are_embedded_as_letters(pages):
    pdf = (pages / "figure_3.pdf").read_bytes()
    parts = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    text = pdf + b"".join(_inflated(part) for part in parts)
    assert b"/CIDFontType2" in text or b"/Subtype /TrueType" in text
    assert b"/FontFile2" in text


def _inflated(part):
    try:
        return zlib.decompress(part)
    except zlib.error:
        return b""
