"""A browser, and a run with names that no page must take for anything but text."""

from pathlib import Path

import jax
import numpy as np
import pandas as pd
import pytest

from accumbens.fit.disrnn.config import DisRNNStageConfig, RecipeConfig
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import to_table
from accumbens.models.disrnn import DisRNNConfig
from accumbens.models.q_learning import QLearning
from accumbens.report import Report
from accumbens.run.fit.config import FitConfig, SplitConfig
from accumbens.run.fit.pipeline import run_fit
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.hostile import ANIMALS, SIGNAL

CHROMIUM = Path("/usr/bin/chromium")
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync")  # fmt: skip

STEPS = DisRNNStageConfig(steps=6, learning_rate=2e-3, decay=0.0)


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """Three animals with two sessions each; missed and forced choices, blanks in the signal."""
    agent = QLearning(0.3, 3.0, gain=1.0, offset=0.0)
    made = simulate(agent, DriftingBandit(), n_sessions=6, n_trials=40, key=jax.random.key(0))
    table = to_table(made).rename(columns={"dopamine": SIGNAL})
    table["subject"] = np.repeat(ANIMALS, 80)
    table["session"] = np.tile(np.repeat(["a<b>", "0"], 40), 3)
    table["chance_0"] = np.random.default_rng(0).uniform(size=len(table)).round(3)
    table["forced"] = table["trial"] % 13 == 5
    table["choice"] = table["choice"].astype("Int64")
    missed = table["trial"] == 7
    table.loc[missed, ["choice", "reward", SIGNAL]] = pd.NA
    table.loc[table["trial"] == 9, SIGNAL] = np.nan
    folder = tmp_path_factory.mktemp("reported")
    table.to_csv(folder / "a & b.csv", index=False)
    config = FitConfig(
        table=TableFormat(signal=(SIGNAL,), context=("chance_0",), instructed="forced"),
        split=SplitConfig(every=2),
        models=("disrnn", "naive"),
        animals="pooled",
        recipe=RecipeConfig(
            disrnn=DisRNNConfig(latents=2, update_units=3, signal_units=3, subject_embedding=1),
            warm_up=STEPS, choice_stage=STEPS, signal_stage=STEPS,
        ),
        seeds=1, resamples=20,
    )  # fmt: skip
    return run_fit(folder / "a & b.csv", config, folder / "run")


@pytest.fixture(scope="session")
def report(run) -> Path:
    """The run's report, as a file."""
    return Report(run).save(run.folder.path.parent / "report.html")


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium under Playwright."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is not there; as root on Debian, make test installs it")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=list(QUIET))
        yield browser
        browser.close()


class Watched:
    """A page, and what it asked for and complained about."""

    def __init__(self, page):
        self.page, self.asked, self.complaints = page, [], []
        page.on("request", lambda r: self.asked.append(r.url))
        page.on("console", lambda m: self.complaints.append(m.text))
        page.on("pageerror", lambda e: self.complaints.append(str(e)))

    def open(self, path: Path):
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-ready]", state="attached")
        return self.page


@pytest.fixture
def watched(browser):
    """A new page; whatever it does, it must ask for nothing and complain of nothing."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    seen = Watched(context.new_page())
    yield seen
    context.close()
    own = ("file" + "://", "data:", "blob:")
    assert [url for url in seen.asked if not url.startswith(own)] == []
    assert seen.complaints == []
