"""A tree of dataclasses as options: names, help, defaults, and building it from a few of them."""

import dataclasses
from pathlib import Path
from typing import Annotated, Literal

import pytest

from accumbens.errors import ConfigError
from accumbens.run.options import FLAT, POSITIONAL, ROOT, Names, build, field_texts, options_of
from accumbens.run.values import from_toml, from_words


@dataclasses.dataclass(frozen=True)
class Stage:
    """How long."""

    n_steps: int = 10
    """Steps,
    over two lines."""
    rate: float = 0.1
    """Rate."""

    def __post_init__(self):
        if self.n_steps < 0:
            raise ConfigError("n_steps is negative.")


@dataclasses.dataclass(frozen=True)
class Table:
    """Columns."""

    signal: tuple[str, ...] = ()
    """Signals."""


@dataclasses.dataclass(frozen=True)
class Config:
    """All options."""

    test: Literal["a", "b"]
    """Which test."""
    table: Annotated[Table, FLAT] = dataclasses.field(default_factory=Table)
    """The table."""
    stage: Stage = dataclasses.field(default_factory=lambda: Stage(n_steps=99, rate=0.5))
    """The stage."""
    joint: bool = False
    """Whether jointly."""


@dataclasses.dataclass(frozen=True)
class Command:
    """A command."""

    file: Annotated[Path, POSITIONAL]
    """File."""
    options: Annotated[Config, ROOT]
    """Options."""
    who: Annotated[str, Names(lambda: ("x", "y"), "WHO")] = "x"
    """Who."""


def test_every_field_is_an_option_with_its_names_help_and_default():
    options = options_of(Command)
    assert [(o.name, o.key, o.help, o.group) for o in options] == [
        ("file", "", "File.", ""),
        ("test", "test", "Which test.", "Options."),
        ("signal", "table.signal", "Signals.", "The table."),
        ("stage.n-steps", "stage.n_steps", "Steps, over two lines.", "The stage."),
        ("stage.rate", "stage.rate", "Rate.", "The stage."),
        ("joint", "joint", "Whether jointly.", "Options."),
        ("who", "who", "Who.", ""),
    ]
    assert {o.name: o.default for o in options if o.name.startswith("stage")} == {
        "stage.n-steps": 99, "stage.rate": 0.5,
    }  # fmt: skip


def test_what_is_not_given_keeps_the_default_of_its_place():
    values = {("file",): Path("f"), ("options", "test"): "b", ("options", "stage", "rate"): 0.25}
    assert build(Command, values) == Command(Path("f"), Config("b", stage=Stage(99, 0.25)))


def test_a_missing_option_is_named_with_its_help():
    with pytest.raises(ConfigError, match=r"^FILE is missing\. File\.$"):
        build(Command, {("options", "test"): "a"})
    with pytest.raises(ConfigError, match=r"^--test is missing\. Which test\.$"):
        build(Command, {("file",): Path("f")})


def test_checks_of_the_dataclasses_still_hold():
    with pytest.raises(ConfigError, match="n_steps is negative"):
        build(Config, {("test",): "a", ("stage", "n_steps"): -1})


def test_texts_are_inherited_and_may_be_replaced():
    @dataclasses.dataclass(frozen=True)
    class Long(Stage):
        """Longer."""

        rate: float = 0.2
        """Another rate."""
        bare: int = 1

    assert field_texts(Long) == {"n_steps": "Steps, over two lines.", "rate": "Another rate."}


@dataclasses.dataclass(frozen=True)
class Kinds:
    """One option of each kind."""

    number: float = 0.0
    whole: int = 0
    code: str | int | float = ""
    ridge: float | Literal["cv"] = 0.0
    name: str | None = None
    window: tuple[float, float] = (0.0, 1.0)
    blocks: tuple[int, int] | None = None
    many: tuple[float, ...] = ()
    words: tuple[str, ...] = ()
    where: Path = Path()
    one_of: Literal["all", "none"] = "all"
    yes: bool = False


OPTIONS = {option.name: option for option in options_of(Kinds)}


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("number", ["1e-3"], 0.001),
        ("whole", ["-3"], -3),
        ("code", ["2"], "2"),
        ("ridge", ["cv"], "cv"),
        ("ridge", ["3"], 3.0),
        ("name", ["None"], None),
        ("name", ["none"], "none"),
        ("window", ["-1", "0.5"], (-1.0, 0.5)),
        ("window", ["-1,0.5"], (-1.0, 0.5)),
        ("blocks", ["20", "60"], (20, 60)),
        ("blocks", ["None"], None),
        ("many", ["0.3,1", "3"], (0.3, 1.0, 3.0)),
        ("many", [], ()),
        ("words", ["a,b", "c"], ("a,b", "c")),
        ("where", ["x/y"], Path("x/y")),
        ("one-of", ["none"], "none"),
        ("yes", ["true"], True),
    ],
)
def test_words_become_values(name, words, value):
    found = from_words(OPTIONS[name], words)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "words", "message"),
    [
        ("number", ["x"], "--number is 'x'; it must be a number."),
        ("number", ["inf"], "--number is 'inf'; it must be a number."),
        ("number", ["nan"], "--number is 'nan'; it must be a number."),
        ("number", [], "--number takes one value, a number."),
        ("number", ["1", "2"], "--number takes one value, a number; 2 given."),
        ("whole", ["1.5"], "--whole is '1.5'; it must be a whole number."),
        ("whole", ["9" * 400], f"--whole is '{'9' * 60}...'; it must be a whole number."),
        ("ridge", ["cw"], "--ridge is 'cw'; it must be a number or cv."),
        ("window", ["1"], "--window takes 2 values, each a number; 1 given."),
        ("many", ["1,x"], "--many is 'x'; it must be a number."),
        ("one-of", ["al"], "--one-of is 'al'; choose one of all, none. Did you mean all?"),
        ("yes", ["maybe"], "--yes is 'maybe'; it must be true or false."),
    ],
)
def test_words_that_do_not_suit_are_named(name, words, message):
    with pytest.raises(ConfigError) as caught:
        from_words(OPTIONS[name], words)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("number", 3, 3.0),
        ("code", 3, 3),
        ("code", "3", "3"),
        ("name", "", None),
        ("blocks", "", None),
        ("blocks", [20, 60], (20, 60)),
        ("many", [1, 0.5], (1.0, 0.5)),
        ("where", "x", Path("x")),
        ("ridge", "cv", "cv"),
        ("yes", True, True),
    ],
)
def test_values_of_a_file_are_read(name, value, read):
    found = from_toml(OPTIONS[name], value)
    assert found == read
    assert type(found) is type(read)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("number", "3", "number is '3'; it must be a number."),
        ("number", True, "number is True; it must be a number."),
        ("number", float("nan"), "number is nan; it must be a number."),
        ("number", 10**400, f"number is 1{'0' * 59}...; it must be a number."),
        ("whole", 10**30, f"whole is {10**30}; it must be a whole number."),
        ("whole", 1.0, "whole is 1.0; it must be a whole number."),
        ("many", 1.0, "many must be a list, such as many = [...]."),
        ("many", ["x"], "many is 'x'; it must be a number."),
        ("blocks", [1], "blocks takes 2 values, each a whole number; 1 given."),
        ("one-of", 1, "one_of is 1; choose one of all, none."),
        ("yes", "yes", "yes is 'yes'; it must be true or false."),
    ],
)
def test_values_of_a_file_that_do_not_suit_are_named(name, value, message):
    with pytest.raises(ConfigError) as caught:
        from_toml(OPTIONS[name], value)
    assert str(caught.value) == message
