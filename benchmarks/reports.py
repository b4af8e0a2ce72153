"""Reports in a real browser: size, requests, complaints, axe, opening, scrolling, numbers.

    python benchmarks/reports.py RUN [RUN ...] [--pictures FOLDER]

RUN is a folder of a fit, of credit, of selectivity or of a sweep. Each report is written anew,
then opened in Debian's Chromium at three widths in both themes. Of fits, all stored columns are
compared with those of the page, the networks with Python's on 1,000 random inputs, and the longest
session is scrolled through; frames of 16.7 ms are as smooth as a screen of 60 Hz can show.
Processor seconds are those of the page's main thread: on a busy machine, they say what a free one
would take.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, sync_playwright

from accumbens import load_run
from accumbens.report import Report

CHROMIUM = "/usr/bin/chromium"
QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update",
         "--disable-sync")  # fmt: skip
LOOKS = list(itertools.product((1280, 800, 390), ("light", "dark")))
OWN = ("file:", "data:", "blob:")

SCROLL = """async () => {
    const sessions = accumbens.view.trials.sessions;
    const longest = sessions.reduce((a, b) => (b.length > a.length ? b : a));
    const animals = [...new Set(sessions.map((s) => s.subject))];
    const pick = (id, value) => {
        const menu = document.querySelector(id);
        menu.value = value;
        menu.dispatchEvent(new Event("change"));
    };
    pick("#animal", animals.indexOf(longest.subject));
    pick("#session", sessions.filter((s) => s.subject === longest.subject).indexOf(longest));
    const box = document.querySelector(".scroller"), end = box.scrollWidth - box.clientWidth;
    const gaps = [];
    let last = await new Promise(requestAnimationFrame);
    for (let k = 0; k <= 240; k++) {
        box.scrollLeft = (end * k) / 240;
        const now = await new Promise(requestAnimationFrame);
        gaps.push(now - last);
        last = now;
    }
    return [accumbens.view.session.length, gaps];
}"""

NETWORKS = """([z, subject, choice, outcome]) => {
    const net = accumbens.networks(accumbens.header.explorer.networks);
    return z.map((z, i) => [
        net.logits(z, subject[i]), net.probabilities(z, subject[i]),
        net.signal(z, choice[i], outcome[i], subject[i]),
        net.next(z, choice[i], outcome[i], subject[i]),
    ]);
}"""


def meter_of(page: Page) -> Callable[[], float]:
    """What tells the processor seconds of the page's main thread, from now on."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})

    def seconds() -> float:
        found = session.send("Performance.getMetrics")["metrics"]
        return next(each["value"] for each in found if each["name"] == "TaskDuration")

    return seconds


def opened(page: Page, path: Path, meter: Callable[[], float]) -> tuple[float, float]:
    """Seconds, and processor seconds, until the page is ready; its explorer is drawn after that."""
    start = time.perf_counter()
    page.goto(path.as_uri())
    page.wait_for_selector("html[data-ready]", state="attached")
    seconds = time.perf_counter() - start, meter()
    if page.locator("#explorer-here").count():
        page.locator("#explorer-here").scroll_into_view_if_needed()
        page.wait_for_selector("#animal")
    return seconds


def compared(page: Page, run: Any, meter: Callable[[], float]) -> None:
    """Stored columns, networks and scrolling of a fit."""
    table, names = run.predictions(), page.evaluate("Object.keys(accumbens.view.trials.columns)")
    ask = "(c) => Array.from(accumbens.view.column(c), (v) => (Number.isFinite(v) ? v : null))"
    for name in names:
        shown = np.array(page.evaluate(ask, name), dtype=float).astype(np.float32)
        stored = table[name].to_numpy(float).astype(np.float32)
        np.testing.assert_array_equal(shown, stored, err_msg=name)
    print(f"  {len(names)} columns of {len(table):,} trials: equal to the stored ones")
    if "disrnn" in run.model_names:
        for what, gap in network_gaps(page, run.disrnn).items():
            print(f"  networks, 1,000 random inputs: {what} at most {gap:.1e} from Python's")
    before = meter()
    length, gaps = page.evaluate(SCROLL)
    each = (meter() - before) / len(gaps)
    middle, most = np.percentile(gaps, (50, 95))
    print(f"  scrolling {length:,} trials: frames of {middle:.1f} ms (95 %: {most:.1f} ms), "
          f"{1e3 * each:.1f} ms of the processor each")  # fmt: skip


def network_gaps(page: Page, model: Any, n: int = 1000) -> dict[str, float]:
    """Largest differences between the page's networks and the model's."""
    import jax

    from accumbens.models.disrnn.model import DisRNNState

    rng = np.random.default_rng(0)
    z = rng.uniform(-2, 2, (n, model.config.latents)).astype(np.float32)
    choice, subject = (
        rng.integers(model.n_choices, size=n),
        rng.integers(model.n_subjects or 1, size=n),
    )
    outcome = rng.integers(2, size=(n, len(model.outcome_names))).astype(np.float32)

    @jax.jit
    @jax.vmap
    def python(z: Any, subject: Any, choice: Any, outcome: Any) -> tuple[Any, ...]:
        state = DisRNNState(z, subject)
        logits = model.choice_logits(state)
        signals = model.signals(state, choice, outcome)
        return logits, jax.nn.softmax(logits), signals, model.update(state, choice, outcome).z

    given = [z.astype(float).tolist(), subject.tolist(), choice.tolist(), outcome.tolist()]
    answers = page.evaluate(NETWORKS, given)
    gaps = {}
    names = ("log-odds", "probabilities", "signals", "next latents")
    for i, (name, wanted) in enumerate(
        zip(names, python(z, subject, choice, outcome), strict=True)
    ):
        got = np.array([answer[i] for answer in answers], dtype=float)
        if got.size:
            gaps[name] = float(np.abs(got - np.asarray(wanted)).max())
    return gaps


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--pictures", type=Path)
    args = parser.parse_args()
    with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        for number, run in enumerate(args.runs):
            path = Report(run).save(Path(folder) / f"{number}.html")
            print(f"{run}: {path.stat().st_size / 1e6:.2f} MB")
            for width, scheme in LOOKS:
                context = browser.new_context(
                    viewport={"width": width, "height": 900}, color_scheme=scheme
                )
                page, asked, said = context.new_page(), [], []
                page.on("request", lambda r, asked=asked: asked.append(r.url))
                page.on("console", lambda m, said=said: said.append(m.text))
                page.on("pageerror", lambda e, said=said: said.append(str(e)))
                meter = meter_of(page)
                seconds, of_processor = opened(page, path, meter)
                page.evaluate("accumbens.drawAll()")
                foreign = [url for url in asked if not url.startswith(OWN)]
                faults = Axe().run(page).response["violations"]
                serious = [f["id"] for f in faults if f["impact"] in ("serious", "critical")]
                print(f"  {width} px, {scheme}: ready in {seconds:.2f} s "
                      f"({of_processor:.2f} of the processor); {len(foreign)} requests, "
                      f"{len(said)} complaints, {len(serious)} serious faults of axe")  # fmt: skip
                if args.pictures is not None:
                    args.pictures.mkdir(exist_ok=True)
                    name = f"{run.resolve().name}_{width}_{scheme}.png"
                    page.screenshot(path=args.pictures / name, full_page=True)
                if (width, scheme) == LOOKS[0] and page.locator("#animal").count():
                    compared(page, load_run(run), meter)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
