"""Ctrl-C: once is enough, twice is at once, and what to do next is said."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from accumbens.cli import main
from accumbens.cli.interrupts import Interrupts

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")

WORK = """
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test may run where it is ignored
import accumbens.files
from accumbens.cli import interrupts, main
from accumbens.cli.show import ShowCommand

def stubborn(self, out):
    thread = threading.Thread(target=time.sleep, args=(600,))  # Python would wait for it
    thread.start()
    with accumbens.files.replacing(self.folder / "half") as part:
        part.write_text("half")
        while True:
            try:
                print("begun", flush=True)
                time.sleep(600)
            except KeyboardInterrupt:
                if {polite!r}:
                    raise

ShowCommand.run = stubborn
ShowCommand.interrupted = lambda self: "Go on: [so]."
interrupts.SECONDS_TO_SAVE = {{signal.SIGINT: {grace}, signal.SIGTERM: {grace}}}
main()
"""


@contextlib.contextmanager
def working(tmp_path, *, polite, grace):
    code = WORK.format(polite=polite, grace=grace)
    process = subprocess.Popen(
        [sys.executable, "-c", code, "show", str(tmp_path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with process:
        try:
            assert process.stdout.readline() == "begun\n"
            assert len(list(tmp_path.glob(".accumbens-*"))) == 1
            yield process
        finally:
            process.kill()


def ended(process, tmp_path, seconds):
    """Exit status; nothing half written is left, and the advice is said once."""
    status = process.wait(seconds)
    assert process.stderr.read() == "\nInterrupted. Go on: [so].\n"
    assert list(tmp_path.iterdir()) == []
    return status


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_is_enough(tmp_path, number):
    """The work ends by itself; no other thread is waited for."""
    with working(tmp_path, polite=True, grace=300) as process:
        process.send_signal(number)
        assert ended(process, tmp_path, 60) == 128 + number


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_one_is_enough_for_work_that_does_not_listen(tmp_path, number):
    with working(tmp_path, polite=False, grace=0.5) as process:
        process.send_signal(number)
        assert ended(process, tmp_path, 60) == 128 + number


def test_the_second_one_is_at_once(tmp_path):
    with working(tmp_path, polite=False, grace=300) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert ended(process, tmp_path, 60) == 130


def test_in_a_process_of_others_it_only_says_so(monkeypatch, capsys):
    from accumbens.cli.show import ShowCommand

    def interrupted(self, out):
        raise KeyboardInterrupt

    monkeypatch.setattr(ShowCommand, "run", interrupted)
    with pytest.raises(SystemExit) as caught:
        main(["show", "x"])
    assert caught.value.code == 130
    assert capsys.readouterr().err == (
        "\nInterrupted. Nothing was written. Run the same command again.\n"
    )


def test_signals_are_as_before_afterwards():
    before = signal.getsignal(signal.SIGTERM), threading.active_count()
    wakeup = signal.set_wakeup_fd(-1)
    signal.set_wakeup_fd(wakeup)
    with Interrupts(ends_process=True):
        assert signal.getsignal(signal.SIGTERM) != before[0]
    after = signal.set_wakeup_fd(wakeup)
    assert after == wakeup
    deadline = time.monotonic() + 30
    while threading.active_count() > before[1] and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (signal.getsignal(signal.SIGTERM), threading.active_count()) == before
