"""Help explains every option of every command, what matters first."""

import dataclasses
import re
from typing import ClassVar

import pytest

from accumbens.cli import main
from accumbens.cli.commands import COMMANDS, Command
from accumbens.cli.help import help_text, shown, text_of, word_of
from accumbens.run.options import options_of


def unexplained(command, name):
    """Options that the help leaves out, or names without saying what they are."""
    text = " ".join(help_text(command, name, width=80).split())
    wanted = {o.name: f"{word_of(o) if o.positional else shown(o)} {text_of(o)}"
              for o in options_of(command)}  # fmt: skip
    known = {o.name: o.help for o in options_of(command)}
    return [
        name
        for name, line in wanted.items()
        if " ".join(line.split()) not in text or not re.search(r"\w.*[.)]$", known[name])
    ]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_help_explains_every_option(entry, capsys):
    main([entry.name, "--help"])
    assert capsys.readouterr().out == help_text(entry.command, entry.name)
    assert unexplained(entry.command, entry.name) == []


def test_an_option_that_nobody_explained_is_found():
    @dataclasses.dataclass(frozen=True)
    class Bare(Command):
        """A command."""

        good: int = 0
        """Explained."""
        bad: int = 0
        worse: str = ""
        """and"""

    assert unexplained(Bare, "bare") == ["bad", "worse"]


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_what_matters_most_comes_first_and_examples_last(entry):
    command, text = entry.command, help_text(entry.command, entry.name, width=90)
    assert len(command.first) <= 10
    assert text.startswith(f"Usage: accumbens {entry.name}")
    assert max(map(len, text.split("Examples:")[0].splitlines())) <= 90
    names = re.findall(r"^  --([\w.-]+)", text, re.MULTILINE)
    assert tuple(names[: len(command.first)]) == command.first
    if command.first:
        assert set(names) > {*command.first, "help", "config"}
    assert len(names) == len(set(names))
    assert text.rstrip().endswith(command.examples.rstrip().splitlines()[-1])


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_examples_are_understood(entry):
    import shlex

    from accumbens.cli import find
    from accumbens.cli.parsing import parse

    lines = entry.command.examples.replace("\\\n", " ").strip().splitlines()
    assert lines
    for line in lines:
        program, name, *words = shlex.split(line)
        assert program == "accumbens"
        words = [word for word in words if word != "--config" and not word.endswith(".toml")]
        parse(find(name).command, words, name)


def test_fit_shows_ten_options_and_then_groups():
    text = help_text(COMMANDS[0].command, "fit", width=100)
    _, *groups = re.split(r"\n\n(?=\S.*:\n)", text)
    top = text.split("Options that matter most:")[1].split("\n\n")[0]
    assert len(re.findall(r"^  --(?!help)", top, re.MULTILINE)) == 10
    titles = [group.splitlines()[0] for group in groups]
    assert "Columns of the table:" in titles
    assert any("(--choice-stage):" in title for title in titles)
    assert titles[-3:] == ["Others:", "Words used here:", "Examples:"]


@pytest.mark.parametrize(
    "word",
    ["disRNN", "GRU", "latent", "bottleneck", "penalty", "fold", "held out", "dfq_choice", "naive"],
)
def test_fit_explains_its_words(word):
    assert word in COMMANDS[0].command.words


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_words_that_are_explained_occur(entry):
    """A word that no option uses any more is not explained any longer."""
    command = entry.command
    options = " ".join(f"{text_of(option)} {option.group}" for option in options_of(command))
    for word in command.words:
        others = " ".join(text for other, text in command.words.items() if other != word)
        stem = re.sub("y$", "", word)  # penalty, penalties
        assert stem.lower() in f"{command.__doc__} {options} {others}".lower(), word


def test_the_overview_has_a_line_for_every_command(capsys):
    for words in ([], ["--help"], ["-h"]):
        main(words)
        text = capsys.readouterr().out
        for entry in COMMANDS:
            assert re.search(rf"^  {entry.name} +{re.escape(entry.about)}$", text, re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Small(Command):
    """Does   little."""

    first: ClassVar = ("n",)
    n: int = 3
    """A number."""
    yes: bool = True
    """Whether."""
    pair: tuple[float, float] = (0.0, 1e-5)
    """Two."""
    none: str | None = None
    """Nothing."""


def test_what_all_commands_share_comes_last():
    assert [o.name for o in options_of(Small)] == ["n", "yes", "pair", "none", "threads"]


def test_the_text_of_a_small_command():
    assert help_text(Small, "small", width=60) == (
        """Usage: accumbens small [OPTIONS]

Does little.

Options that matter most:
  --n N                 A number. (default: 3)
  --config PATH         Text file (TOML) with any of these
                        options; those on the command line
                        override it.
  --help                Show this text.

Others:
  --yes, --no-yes       Whether. (default: yes)
  --pair NUMBER NUMBER  Two. (default: 0 1e-05)
  --none TEXT           Nothing.
  --threads N           How many threads may compute at a
                        time; by default one for each core
                        that this process may use (its
                        affinity, its container, SLURM).
"""
    )


def test_only_commands_whose_runs_keep_their_options_speak_of_them():
    for entry in COMMANDS:
        said = "The config.toml of a finished run" in " ".join(
            help_text(entry.command, entry.name, width=80).split()
        )
        assert said == (entry.name in ("fit", "predict", "credit", "selectivity", "card")), (
            entry.name
        )
