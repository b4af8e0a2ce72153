"""Reports of long work: what is counted, who may stop it, and what people see of it."""

import io
import signal
import sys
import threading
import time
import types

import pytest
from rich.console import Console

from accumbens.progress import Progress, Stopped, display
from accumbens.progress.display import Lines, in_notebook, notebook_table, shown, terminal_bars
from accumbens.progress.threads import in_threads
from helpers.progress import Recorded


def test_a_task_counts_from_many_threads():
    recorded = Recorded()
    with recorded.task("refits", 8000) as task:

        def work():
            for _ in range(1000):
                task.advance()

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert task.done == 8000
    assert recorded.seen[0] == ("refits", 0, 8000, {})
    assert recorded.finished == ["refits"]


def test_updates_keep_what_they_do_not_name():
    recorded = Recorded()
    with recorded.task("stage", 100) as task:
        task.update(10, terms={"loss": 1.5})
        task.update(20, total=60)
    terms = {"loss": 1.5}
    assert recorded.seen[1:] == [("stage", 10, 100, terms), ("stage", 20, 60, terms)]


def test_parts_add_their_labels_and_are_stopped_alone():
    recorded = Recorded()
    first, second = recorded.within("").within("seed 0"), recorded.within("seed 1")
    first.stop()
    with pytest.raises(Stopped), first.task("choice", 5) as task:
        task.advance()
    with second.task("choice", 5) as task:
        task.advance(5)
    labels = [report.label for report in recorded.seen]
    assert labels == ["seed 0: choice", "seed 0: choice", "seed 1: choice", "seed 1: choice"]
    assert recorded.finished == ["seed 1: choice"]
    recorded.stop()
    with pytest.raises(Stopped), second.task("choice") as task:
        task.update(1)


def test_shared_work_counts_towards_one_task():
    recorded = Recorded()
    with recorded.task("all", 6) as task:
        for _ in range(2):
            with task.shared().task("one", 3) as one:
                one.advance(1)
                one.update(3)
    assert {report.label for report in recorded.seen} == {"all"}
    assert task.done == 6
    recorded.stop()
    with pytest.raises(Stopped), recorded.task("all", 6) as task, task.shared().task("one") as one:
        one.advance()


def test_each_item_is_a_step():
    recorded = Recorded()
    assert list(recorded.each("units", "abc")) == ["a", "b", "c"]
    assert [report.done for report in recorded.seen] == [0, 1, 2, 3]
    left = recorded.each("again", "abc")
    assert next(left) == "a"
    left.close()
    assert recorded.finished == ["units"]


def stages(progress):
    """Two stages of one fit, and another fit."""
    for stage, steps in (("warm_up", 10), ("choice", 1200)):
        with progress.task(f"disrnn [seed] 0: {stage}", steps) as task:
            task.update(steps, terms={"choice_nll": 0.51234, "penalty_latent": 3.0})
    with progress.task("dfq"):
        pass


def test_bars_keep_one_row_a_fit_and_print_brackets_as_they_are():
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=120, color_system=None)
    with terminal_bars(console) as bars:
        stages(bars)
    last = out.getvalue().rsplit("disrnn [seed] 0", 1)[1]
    assert "choice" in last
    assert "1,200/1,200" in last
    assert "NLL 0.5123" in last
    assert "3.0" not in last
    assert "dfq" in last
    assert "warm_up" not in last


def test_a_log_gets_a_line_when_a_task_ends_and_one_a_minute(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    out = io.StringIO()
    lines = Lines(out.write)
    with lines.task("refits", 1000) as task:
        for _ in range(9):
            now[0] += 15.0
            task.advance(100)
    stages(lines)
    assert out.getvalue().splitlines() == [
        "refits 400/1,000", "refits 800/1,000", "refits 900/1,000",
        "disrnn [seed] 0: warm_up 10/10  NLL 0.5123",
        "disrnn [seed] 0: choice 1,200/1,200  NLL 0.5123", "dfq",
    ]  # fmt: skip


def test_a_log_that_is_gone_is_no_reason_to_stop():
    def full(text):
        raise OSError(28, "No space left on device")

    stages(Lines(full))


@pytest.fixture
def notebook(monkeypatch):
    """The views that a notebook is asked to show; each later one replaces the first."""
    views = []

    class Handle:
        def update(self, view, raw):
            views.append(view)

    def show(view, raw, display_id):
        assert raw
        assert display_id
        assert not views
        views.append(view)
        return Handle()

    shell = types.SimpleNamespace(kernel=None)
    ipython = types.ModuleType("IPython")
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    module = types.ModuleType("IPython.display")
    module.display = show  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", module)
    return views


def test_a_notebook_shows_one_table_with_a_row_a_fit(notebook):
    assert in_notebook()
    with shown(None) as progress, progress.task("<b>", 4) as task:
        task.update(1)
        stages(progress)
    html, text = notebook[-1]["text/html"], notebook[-1]["text/plain"]
    assert html.count("<tr>") == 3
    assert "&lt;b&gt;" in html
    assert 'max="1200" value="1200"' in html
    assert text.splitlines()[1] == "disrnn [seed] 0: choice 1,200/1,200  NLL 0.5123"


def test_a_notebook_is_not_flooded(notebook):
    with notebook_table() as progress, progress.task("refits", 10_000) as task:
        for _ in range(10_000):
            task.advance()
    assert len(notebook) < 100
    assert 'value="10000"' in notebook[-1]["text/html"]


def test_nobody_looks_at_a_file(monkeypatch, capsys):
    assert not in_notebook()
    with shown(None) as progress:
        stages(progress)
    assert type(progress) is Progress
    mine = Recorded()
    with shown(mine) as progress:
        assert progress is mine
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with shown(None) as progress:
        assert isinstance(progress, display._Rows)


def test_threads_give_results_in_order_and_raise_what_was_raised():
    assert in_threads(lambda n: n * n, range(50), threads=3) == [n * n for n in range(50)]
    assert in_threads(str, []) == []
    begun = []

    def work(n):
        begun.append(n)
        raise ValueError(n)

    with pytest.raises(ValueError, match="0"):
        in_threads(work, range(1000), threads=1)
    assert len(begun) < 1000


def test_threads_end_with_the_thread_that_waits_for_them():
    """An interrupt of the main thread stops those that work, and drops those that wait."""
    recorded, ended = Recorded(), []
    part = recorded.within("")

    def work(n):
        try:
            with part.task(f"item {n}") as task:
                while True:
                    time.sleep(0.01)
                    task.advance()
        finally:
            ended.append(n)

    def interrupt():
        while len(recorded.seen) < 10:
            time.sleep(0.01)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            in_threads(work, range(10), threads=2, progress=part)
    finally:
        signal.signal(signal.SIGINT, before)
    assert sorted(ended) == [0, 1]
    assert recorded.finished == []
    assert not recorded.stopping
