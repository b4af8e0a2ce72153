"""Words of the command line: every option of every command, files of options, and mistakes."""

import dataclasses
import typing
from pathlib import Path
from typing import Literal

import pytest

from accumbens.cli.commands import COMMANDS
from accumbens.cli.parsing import flags_of, parse
from accumbens.cli.power import PowerCommand
from accumbens.errors import ConfigError
from accumbens.run.options import POSITIONAL, REQUIRED, build, kinds_of, options_of

ALL = [
    (entry.name, option)
    for entry in COMMANDS
    for option in options_of(entry.command)
]  # fmt: skip


def sample(option):
    """A value that differs from the default, and the words for it."""
    if option.names is not None:
        name = list(option.names.known())[-1]
        return ((name,), [name]) if option.many else (name, [name])
    (kind, *_) = kinds_of(option.kind)
    if option.members:
        (one, *_) = kinds_of(option.members[0])
        text = {float: "0.25", int: "17", str: "some", Path: "a/b"}[one]
        n = 2 if option.many else len(option.members)
        return tuple([one(text)] * n), [text] * n
    if kind is bool:
        return not option.default, []
    if typing.get_origin(kind) is Literal:
        other = next(c for c in typing.get_args(kind) if c != option.default)
        return other, [str(other)]
    text = {float: "0.25", int: "17", str: "some", Path: "a/b"}[kind]
    return kind(text), [text]


def words_for(option):
    value, words = sample(option)
    if option.positional:
        return value, words
    if option.kind is bool:
        head, dot, last = option.name.rpartition(".")
        return value, [f"--{option.name}" if value else f"--{head}{dot}no-{last}"]
    return value, [f"--{option.name}", *words]


def at(tree, place):
    for name in place:
        tree = getattr(tree, name)
    return tree


@pytest.fixture
def unchecked(monkeypatch):
    """The commands without their checks, which may want several options to agree."""
    from accumbens.cli import parsing

    def loose(tree, values):
        given = {option.place: sample(option)[0] for option in options_of(tree)
                 if option.default is REQUIRED}  # fmt: skip
        return given | dict(values)

    monkeypatch.setattr(parsing, "build", loose)


@pytest.mark.parametrize(("name", "option"), ALL, ids=lambda x: getattr(x, "name", x))
def test_every_option_of_every_command_is_understood(name, option, unchecked):
    command = {entry.name: entry for entry in COMMANDS}[name].command
    value, words = words_for(option)
    assert parse(command, words, name)[option.place] == value
    if not option.positional and option.kind is not bool and len(words) == 2:
        assert parse(command, [f"{words[0]}={words[1]}"], name)[option.place] == value
        assert parse(command, [words[0].replace("-", "_").replace("__", "--", 1), words[1]],
                     name)[option.place] == value  # fmt: skip


@pytest.mark.parametrize("entry", COMMANDS, ids=lambda entry: entry.name)
def test_names_of_options_differ(entry):
    names = [option.name for option in options_of(entry.command)]
    assert len(names) == len(set(names))
    assert not {"help", "config"} & set(flags_of(entry.command))


def lines_of(option, value):
    import tomli_w

    from accumbens.run.values import to_toml

    nested = to_toml(value)
    for part in reversed(option.key.split(".")):
        nested = {part: nested}
    return tomli_w.dumps(nested)


@pytest.mark.parametrize(("name", "option"), ALL, ids=lambda x: getattr(x, "name", x))
def test_every_option_of_every_command_may_stand_in_a_file(name, option, unchecked, tmp_path):
    if option.positional:
        return
    command = {entry.name: entry for entry in COMMANDS}[name].command
    value, _ = sample(option)
    file = tmp_path / "options.toml"
    file.write_text(lines_of(option, value))
    assert parse(command, ["--config", str(file)], name)[option.place] == value


def test_the_command_line_overrides_the_file_wherever_it_stands(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text("seed = 4\ntrials = 30\nwanted = 0.9\n[about]\nkind = 'x'\n")
    for words in (["--seed", "9", "--config", str(file)], [f"--config={file}", "--seed", "9"]):
        command = parse(PowerCommand, words, "power")
        assert (command.options.seed, command.options.trials, command.wanted) == (9, 30, 0.9)


def test_checks_name_the_file_too(tmp_path):
    file = tmp_path / "p.toml"
    file.write_text("trials = 0\n")
    with pytest.raises(ConfigError, match=r"trials is 0; .* \(options from .*p\.toml and from the"):
        parse(PowerCommand, ["--config", str(file)], "power")
    with pytest.raises(ConfigError, match=r"it must be at least 1\.$"):
        parse(PowerCommand, ["--trials", "0"], "power")


@dataclasses.dataclass(frozen=True)
class Toy:
    """A command."""

    files: typing.Annotated[tuple[Path, ...], POSITIONAL]
    """Files."""
    numbers: tuple[int, ...] = ()
    """Numbers."""
    joint: bool = False
    """Jointly."""


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["a", "b"], Toy((Path("a"), Path("b")))),
        (["a", "--joint", "b"], Toy((Path("a"), Path("b")), joint=True)),
        (["--joint", "--no-joint", "a"], Toy((Path("a"),))),
        (["--numbers", "1", "-2", "--joint", "a"], Toy((Path("a"),), (1, -2), True)),
        (["a", "--numbers", "1", "--numbers", "2"], Toy((Path("a"),), (2,))),
        (["--numbers", "1", "--", "--a"], Toy((Path("--a"),), (1,))),
        (["a", "--numbers"], Toy((Path("a"),))),
        (["--numbers=3", "a"], Toy((Path("a"),), (3,))),
        (["-", "a"], Toy((Path("-"), Path("a")))),
    ],
)
def test_words_in_any_order(words, expected):
    assert parse(Toy, words, "toy") == expected


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["a", "--nubmers", "1"],
            r"accumbens toy has no option --nubmers\. Did you mean --numbers",
        ),
        (["a", "--conf", "x"], r"has no option --conf\. Did you mean --config\?"),
        (["a", "--zzz"], r"has no option --zzz\. All of them: accumbens toy --help"),
        (["--joint"], r"FILES is missing\. Files\."),
        (["a", "--joint=maybe"], r"--joint is 'maybe'; it must be true or false"),
        (["a", "--config"], r"--config needs a value: the path of a TOML file"),
        (["a", "--config", "none.toml"], r"Cannot read the configuration none\.toml"),
        (["a", "--numbers", "x"], r"--numbers is 'x'; it must be a whole number"),
    ],
)
def test_mistakes_are_named(words, message):
    with pytest.raises(ConfigError, match=message):
        parse(Toy, words, "toy")


def test_one_word_too_many_is_named():
    with pytest.raises(ConfigError, match=r"power does not know what 'x' is for\. How it is"):
        parse(PowerCommand, ["x"], "power")


def test_defaults_are_the_defaults():
    assert parse(PowerCommand, [], "power") == PowerCommand() == build(PowerCommand, {})
