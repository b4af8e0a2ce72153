"""A tree of frozen dataclasses as a list of options, for the command line, its help and TOML files.

An option is a field that is no dataclass itself. Its help is the docstring below the field. In
files it has the names of the fields on its way, `recipe.choice_stage.steps`; on the command line
those of fields marked FLAT are left out, `--choice-stage.steps`.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

from ..errors import ConfigError

Tree = TypeVar("Tree")
Place = tuple[str, ...]
"""The names of the fields that lead to an option."""


class Mark:
    """What annotates a field: `Annotated[TableFormat, FLAT]`."""


FLAT, ROOT, POSITIONAL, REPEATED = Mark(), Mark(), Mark(), Mark()
"""Marks of fields. FLAT: a dataclass whose name is no part of its options on the command line.
ROOT: not in files either. POSITIONAL: given without a name, and not in files. REPEATED: may be
named several times on the command line, and keeps the values of all."""


@dataclasses.dataclass(frozen=True)
class Names(Mark):
    """Marks an option whose values are names of a list.

    Attributes:
        known: gives the names, when help or a message needs them.
        word: what one is called, `MODEL`.
    """

    known: Callable[[], Iterable[str]]
    word: str


@dataclasses.dataclass(frozen=True)
class Note(Mark):
    """Marks an option with a sentence that its help ends with, made when it is asked for."""

    text: Callable[[], str]


REQUIRED = Mark()
"""The default of an option that has none."""


class Option(NamedTuple):
    """One option of a tree.

    place: fields from the root of the tree. name: on the command line, `choice-stage.steps`.
    key: in files, `recipe.choice_stage.steps`; "" for a positional one. kind: its type.
    group: help of the field whose dataclass it belongs to; "" at the root.
    """

    place: Place
    name: str
    key: str
    kind: Any
    default: Any
    help: str
    group: str
    positional: bool
    names: Names | None
    note: Note | None
    repeated: bool = False

    @property
    def members(self) -> tuple[Any, ...]:
        """The type of each value of a tuple, and `...` where there may be any number; else none."""
        (kind, *_) = kinds_of(self.kind)
        return typing.get_args(kind) if typing.get_origin(kind) is tuple else ()

    @property
    def many(self) -> bool:
        """Whether it takes any number of values."""
        return self.members[-1:] == (...,)


@functools.cache
def options_of(tree: type) -> tuple[Option, ...]:
    """All options of a dataclass and of those in it, in the order of their fields;
    what all commands share comes last.

    Args:
        tree: the dataclass; a required dataclass in it counts as left at its defaults.
    """
    return tuple(_options(tree, REQUIRED, (), (), (), ""))


def _options(
    tree: type, default: Any, place: Place, name: Place, key: Place, group: str
) -> Iterable[Option]:
    hints, texts = typing.get_type_hints(tree, include_extras=True), field_texts(tree)
    for field in sorted(dataclasses.fields(tree), key=lambda field: field.kw_only is True):
        kind, marks = hints[field.name], ()
        if typing.get_origin(kind) is Annotated:
            kind, *marks = typing.get_args(kind)
        value = _default(field) if default is REQUIRED else getattr(default, field.name)
        here, text = (*place, field.name), texts.get(field.name, "")
        if dataclasses.is_dataclass(kind):
            named = () if FLAT in marks or ROOT in marks else (field.name,)
            keyed = () if ROOT in marks else (field.name,)
            yield from _options(
                typing.cast(type, kind), value, here, (*name, *named), (*key, *keyed), text
            )
            continue
        own = field.name.rstrip("_")  # from_ is --from, which Python does not take as a name
        flag = ".".join((*name, own)).replace("_", "-")
        positional = POSITIONAL in marks
        full = "" if positional else ".".join((*key, own))
        names = next((mark for mark in marks if isinstance(mark, Names)), None)
        note = next((mark for mark in marks if isinstance(mark, Note)), None)
        yield Option(
            here, flag, full, kind, value, text, group, positional, names, note, REPEATED in marks
        )


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return REQUIRED


@functools.cache
def field_texts(tree: type) -> dict[str, str]:
    """The docstring below each field of a dataclass, its own and inherited, in one line."""
    texts: dict[str, str] = {}
    for kind in reversed(tree.__mro__):
        if not dataclasses.is_dataclass(kind):
            continue
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
        statements = typing.cast(ast.ClassDef, body).body
        for field, below in itertools.pairwise(statements):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
            ):
                texts[field.target.id] = " ".join(str(below.value.value).split())
    return texts


def build(tree: type[Tree], values: Mapping[Place, Any]) -> Tree:
    """The dataclass with some options given by their place; all others keep their defaults.

    Raises ConfigError for a required option that is not given, or where the dataclass does.
    """
    for option in options_of(tree):
        if option.default is REQUIRED and option.place not in values:
            name = option.name.upper() if option.positional else f"--{option.name}"
            raise ConfigError(f"{name} is missing. {option.help}")
    return _build(tree, REQUIRED, (), values)


def _build(tree: type, default: Any, place: Place, values: Mapping[Place, Any]) -> Any:
    given, hints = {}, typing.get_type_hints(tree)
    for field in dataclasses.fields(tree):
        here = (*place, field.name)
        if here in values:
            given[field.name] = values[here]
        elif dataclasses.is_dataclass(hints[field.name]):
            known = _default(field) if default is REQUIRED else getattr(default, field.name)
            if known is REQUIRED or any(other[: len(here)] == here for other in values):
                kind = typing.cast(type, hints[field.name])
                given[field.name] = _build(kind, known, here, values)
    return tree(**given) if default is REQUIRED else dataclasses.replace(default, **given)


def kinds_of(kind: Any) -> tuple[Any, ...]:
    """The members of a union, None left out; of any other type, itself."""
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return tuple(k for k in typing.get_args(kind) if k is not type(None))
    return (kind,)


def may_be_none(kind: Any) -> bool:
    """Whether None is one of the type's values."""
    return type(None) in typing.get_args(kind)


def described(kind: Any) -> str:
    """What a single value must be: `a whole number`, `a number or cv`."""
    words = {int: "a whole number", float: "a number", bool: "true or false"}
    words |= {str: "text", Path: "a path"}
    said = []
    for one in kinds_of(kind):
        if typing.get_origin(one) is Literal:
            said += [str(choice) for choice in typing.get_args(one)]
        else:
            said.append(words[one])
    return " or ".join(dict.fromkeys(said))
