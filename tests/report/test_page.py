"""A report in a browser: nothing is asked for, nothing runs that should not, all can be used."""

import re

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError
from accumbens.models.disrnn.model import DisRNNState
from accumbens.report import Report, write_report
from helpers.hostile import ANIMALS, SIGNAL

MINUS = str.maketrans("−", "-")


def the_explorer(page):
    page.locator("#explorer-here").scroll_into_view_if_needed()
    page.wait_for_selector("#animal")
    return page.locator(".scroller")


def a_session(run, subject, session):
    table = run.predictions()
    return table[(table["subject"] == subject) & (table["session"] == session)].reset_index()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (800, "dark"), (390, "light")])
def test_it_opens_without_a_fault_for_everybody(browser, report, width, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page, said = context.new_page(), []
    page.on("console", lambda m: said.append(m.text))
    page.on("pageerror", lambda e: said.append(str(e)))
    page.goto(report.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    the_explorer(page)
    page.evaluate("accumbens.drawAll()")
    assert page.locator("[data-draw]:not([data-width])").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.evaluate("window.hacked") is None
    found = axe.Axe().run(page).response["violations"]
    bad = [
        (v["id"], v["nodes"][0]["html"]) for v in found if v["impact"] in ("serious", "critical")
    ]
    assert bad == []
    assert said == []
    context.close()


def test_hostile_names_are_text(watched, report):
    page = watched.open(report)
    the_explorer(page)
    options = page.locator("#animal option").all_inner_texts()
    assert {text.strip("\u2068\u2069") for text in options} == set(ANIMALS)
    assert set(page.locator("#table-data tbody th").all_inner_texts()) == set(ANIMALS)
    assert page.locator("main img, main script").count() == 0
    assert SIGNAL in page.locator("#table-table1 thead").inner_text()


def test_a_saved_csv_has_the_numbers_and_no_formula(watched, report, run, tmp_path):
    page = watched.open(report)

    def saved(name):
        with page.expect_download() as download:
            page.locator(f'[data-csv="{name}"]').click()
        download.value.save_as(tmp_path / f"{name}.csv")
        return (tmp_path / f"{name}.csv").read_text(encoding="utf-8-sig")

    assert saved("bottlenecks") == (run.folder.figures / "bottlenecks.csv").read_text()
    assert saved("table1") == (run.folder.path / "table1.csv").read_text()
    sheet = saved("data")
    table = pd.read_csv(tmp_path / "data.csv")
    assert f"'{ANIMALS[1]}" in set(table["animal"])
    assert table["trials"].tolist() == [80, 80, 80]
    assert "'-" not in sheet
    assert table["missed"].tolist() == [2, 2, 2]
    sheet = saved("differences")
    assert not set(sheet) & set("\u2212\u2013")
    assert "-" in sheet


def test_table_1_says_what_is_stored(watched, report, run):
    page = watched.open(report)
    rows = page.locator("#table-table1 tbody tr").all()
    for row, model in zip(rows, run.metrics["models"].values(), strict=True):
        value, low, high = (model["choice"]["normalized_likelihood"],
                            *model["choice"]["normalized_likelihood_interval"])  # fmt: skip
        cell = row.locator("td").first.inner_text().translate(MINUS)
        assert cell == f"{value:.4f} [{low:.4f}, {high:.4f}]"
    assert run.metrics["verdict"]["choice"]["sentence"] in page.locator("#verdict").inner_text()
    text = page.locator("main").inner_text()
    assert run.about["fingerprint"] in text
    assert "over animals" in text
    for warning in [*run.metrics["notices"], *run.metrics["warnings"]]:
        assert warning in text


def test_trials_are_read_brushed_and_scrolled(watched, report, run):
    page = watched.open(report)
    scroller = the_explorer(page)
    page.locator("#animal").select_option(index=1)
    subject, session = page.evaluate(
        "[accumbens.view.session.subject, accumbens.view.session.session]"
    )
    page.locator("#session").select_option(index=1)
    session = page.evaluate("accumbens.view.session.session")
    own = a_session(run, subject, session)
    assert page.locator("#session option").count() == 2
    # by keyboard: trial 3 in words
    scroller.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    said = page.locator("#readout").inner_text().translate(MINUS)
    row = own.iloc[3]
    assert said.startswith(f"Trial {row['trial']}:")
    for column in ("disrnn.p_1", "disrnn.z_1", f"disrnn.{SIGNAL}", SIGNAL, "chance_0"):
        value = float(row[column])
        assert any(float(part) == pytest.approx(value, rel=1e-3)
                   for part in numbers(said)), column  # fmt: skip
    # the same numbers as stored, to the last bit
    stored = page.evaluate("Array.from(accumbens.view.column('disrnn.z_1'))")
    np.testing.assert_array_equal(np.float32(stored), run.predictions()["disrnn.z_1"])
    # Shift brushes
    for _ in range(5):
        page.keyboard.press("Shift+ArrowRight")
    assert page.evaluate("accumbens.view.state.range") == [3, 8]
    page.wait_for_timeout(100)
    made = own.index[own["choice"].notna()]
    assert page.evaluate("accumbens.brushedTrials") == [t for t in range(3, 9) if t in made]
    # so do numbers, and dragging
    page.locator("#from").fill("10")
    page.locator("#from").press("Tab")
    page.locator("#to").fill("12")
    page.locator("#to").press("Tab")
    assert page.evaluate("accumbens.view.state.range") == [10, 12]
    box = scroller.bounding_box()
    page.mouse.move(box["x"] + 12 + 9 * 2, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 12 + 9 * 6, box["y"] + 60, steps=3)
    page.mouse.up()
    assert page.evaluate("accumbens.view.state.range") == [2, 6]
    page.mouse.move(box["x"] + 12 + 9 * 7, box["y"] + 60)
    assert "missed" in page.locator("#readout").inner_text()
    # zoom, and a model more
    before = page.locator(".wide path").count()
    page.get_by_label("naive").check()
    assert page.locator(".wide path").count() == before + 1
    page.locator("#zoom").focus()
    page.keyboard.press("End")
    assert page.evaluate("accumbens.view.state.zoom") == 30
    assert scroller.evaluate("e => e.scrollWidth > e.clientWidth")


def test_sliders_ask_the_networks(watched, report, run):
    page = watched.open(report)
    the_explorer(page)
    open_latents = run.metrics["open_latents"] or ["z_1"]
    slider = page.locator(f'[id="latent-{open_latents[0]}"]')
    slider.focus()
    page.keyboard.press("End")
    z = np.float32(page.evaluate("""() => {
        const source = accumbens.view.trials.models.find((m) => m.name === "disrnn");
        return Object.values(source.latents).map((c) =>
            accumbens.view.column(c)[accumbens.view.session.start]);
    }"""))  # fmt: skip
    z[int(open_latents[0][2:]) - 1] = 2.0
    subject = page.evaluate("accumbens.view.session.number")
    model = run.disrnn
    state = DisRNNState(jnp.asarray(z), jnp.asarray(subject))
    p = np.asarray(jnp.exp(model.choice_logits(state)))
    cells = page.locator("[data-p]").all_inner_texts()
    assert [float(c) for c in cells] == pytest.approx((p / p.sum()).tolist(), abs=6e-5)
    for i, outcome in enumerate((1.0, 0.0)):
        for choice in (0, 1):
            wanted = model.signals(state, jnp.asarray(choice), jnp.asarray([outcome]))
            cell = page.locator(f'[data-signal="{choice} {i}"]').inner_text().translate(MINUS)
            assert float(cell) == pytest.approx(float(wanted[0]), abs=6e-5)


def test_the_command_writes_it_once(run, tmp_path, capsys):
    out = tmp_path / "r.html"
    assert main(["report", str(run.folder.path), "--out", str(out)]) in (None, 0)
    assert f"{out}: 0." in capsys.readouterr().out
    with pytest.raises(ConfigError, match="is there already"):
        write_report(run, out)
    assert write_report(run, out, replace=True) == out
    shown = Report(run)._repr_html_()
    assert shown.startswith("<iframe")
    assert "allow-same-origin" not in shown


def numbers(text):
    return re.findall(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?", text)
