"""What commands print, whatever is in the text and wherever it goes."""

import os
import subprocess
import sys

import pandas as pd
import pytest

from accumbens.cli.output import Output
from accumbens.cli.printing import cell_of, print_frame

NASTY = "[bold]x[/] [/y] [red on blue] [[z]] \\[w] :smile: $a$"


def test_brackets_are_printed_as_they_are(capsys):
    out = Output()
    out.say(NASTY)
    out.warn(NASTY)
    out.error(NASTY)
    out.paths(run_folder=NASTY, table="t")
    out.table([NASTY, "b"], [[NASTY, "1"], ["c", "2"]], title=NASTY, caption=NASTY, bold=[(0, 0)])
    printed, errors = capsys.readouterr()
    assert printed.splitlines()[0] == NASTY
    assert f"Warning: {NASTY}\n" in printed
    assert f"run folder: {NASTY}\ntable:      t\n" in printed
    assert errors == f"Error: {NASTY}\n"
    assert "".join(printed.split()).count("".join(NASTY.split())) >= 5


def test_nothing_is_wrapped_where_there_is_no_terminal(capsys):
    text = "word " * 100
    Output().say(text)
    Output().error(text)
    assert capsys.readouterr() == (f"{text}\n", f"Error: {text}\n")


def test_a_frame_says_how_much_more_there_is(capsys):
    frame = pd.DataFrame({"[n]": [1, 20000], "x": [0.12345678, float("nan")], "name": ["[a]", "b"]})
    print_frame(Output(), frame, "all [of it]", 1)
    printed = capsys.readouterr().out
    assert "all [of it]" in printed
    assert "[a]" in printed
    assert "... and 1 more" in printed
    assert [cell_of(v) for v in (1234, 1234.5, 0.12345678, float("nan"), "[a]")] == [
        "1,234", "1,234.5", "0.1235", "", "[a]",
    ]  # fmt: skip


def run(command, **how):
    return subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, **how)


PROGRAM = f"'{sys.executable}' -m accumbens"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full here")
def test_a_full_disk_behind_the_output_is_said():
    done = run(f"{PROGRAM} fit --help > /dev/full", check=False)
    assert done.stderr == "Error: Standard output is cut short: No space left on device.\n"
    assert done.returncode == 1
    assert run(f"{PROGRAM} fti 2> /dev/full", check=False).returncode == 2


def test_a_reader_who_leaves_early_is_no_error():
    done = run(f"{PROGRAM} fit --help | head -1; {PROGRAM} --help | true", check=False)
    assert done.stdout == "Usage: accumbens fit [TABLE ...] [OPTIONS]\n"
    assert done.stderr == ""


def test_work_goes_on_when_nobody_reads_any_more():
    code = """
import os, sys
from accumbens.cli.output import Output
out = Output()
for i in range(20000):
    out.say("some words that fill the pipe")
print(out.lost, file=sys.stderr)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == "None\n"
    assert process.returncode == 0


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_terminal_that_lacks_a_character_gets_another(encoding):
    code = """
from accumbens.cli.output import Output
Output().table(["likelihood \\u2191", "\\u03c3"], [["\\u2013 \\u732b", "\\udcff"]], title="t")
Output().error("\\u2191")
"""
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env=environment,
                          check=True)  # fmt: skip
    text = done.stdout.decode(encoding)
    assert "likelihood ?" in text
    assert "|" in text  # lines of a table in characters that every terminal has
    assert done.stderr.decode(encoding) == "Error: ?\n"


def test_a_process_without_standard_output():
    done = run(f"{PROGRAM} --version >&- && {PROGRAM} fti 2>&-", check=False)
    assert done.returncode == 2
    assert done.stderr == ""
