"""An executor whose processes may end at any moment."""

import math
import os
import time
from concurrent.futures import CancelledError, wait

import pytest

from accumbens.run.sweep.engines.processes import ProcessEnded, Processes


@pytest.fixture(scope="module")
def processes():
    executor = Processes(2, threads=1)
    yield executor
    executor.shutdown(cancel_futures=True)


def test_results_and_errors_come_back(processes):
    calls = [processes.submit(math.sqrt, i) for i in (0, 1, 4, -1)]
    assert [call.result() for call in calls[:3]] == [0, 1, 2]
    with pytest.raises(ValueError, match="math domain error"):
        calls[3].result()
    assert processes.submit(os.getenv, "ACCUMBENS_THREADS").result() == "1"
    assert processes.submit(print, "no result").result() is None
    assert processes.submit(os.getpid).result() != os.getpid()


def test_an_error_that_cannot_be_sent_is_told(processes):
    from operator import call

    lock_maker = processes.submit(__import__("threading").Lock)  # a lock cannot be pickled
    with pytest.raises(RuntimeError, match="cannot pickle"):
        lock_maker.result()
    assert processes.submit(call, math.sqrt, 9).result() == 3


def test_a_call_that_ends_its_process_is_made_three_times_and_harms_no_other(processes, tmp_path):
    trace = tmp_path / "trace"
    ends = processes.submit(exec, f"import os; open({str(trace)!r}, 'a').write('x'); os._exit(9)")
    others = [processes.submit(math.sqrt, i) for i in range(20)]
    wait(others)
    assert [call.result() for call in others] == [math.sqrt(i) for i in range(20)]
    with pytest.raises(ProcessEnded, match="ended 3 times before it did: killed, perhaps because"):
        ends.result()
    assert trace.read_text() == "xxx"


def test_what_is_under_way_is_ended_and_what_waits_is_not_begun(tmp_path):
    executor, begun = Processes(1), tmp_path / "begun"
    saved = tmp_path / "saved"
    code = f"""
import pathlib, time
pathlib.Path({str(begun)!r}).touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path({str(saved)!r}).touch()
    raise
"""
    under_way, waits = executor.submit(exec, code), executor.submit(math.sqrt, 1)
    while not begun.exists():
        time.sleep(0.02)
    started = time.monotonic()
    executor.shutdown(cancel_futures=True)
    assert time.monotonic() - started < 20
    assert saved.exists()
    with pytest.raises(ProcessEnded, match="It was stopped; it can be resumed"):
        under_way.result()
    with pytest.raises(CancelledError):
        waits.result()
    with pytest.raises(RuntimeError, match="has been shut down"):
        executor.submit(math.sqrt, 1)
