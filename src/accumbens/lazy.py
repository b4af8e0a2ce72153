"""What is imported when it is first used: public names of packages, and entries of lists.

A package's public names are written once, in `__init__.pyi`.

Type checkers and editors read the stub; at run time the package reads the same file, so the two
cannot disagree. The stub may hold only `from .module import name as name` and, for namespaces,
`from . import namespace as namespace`.
"""

from __future__ import annotations

import ast
import difflib
import functools
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Door(NamedTuple):
    """What a package with a stub defines: `__getattr__`, `__dir__`, `__all__`."""

    getattr: Callable[[str], Any]
    dir: Callable[[], list[str]]
    all: list[str]


def attach(package: str, file: str) -> Door:
    """The three definitions for `package`, from the stub beside its `__init__.py`.

    Args:
        package: its `__name__`.
        file: its `__file__`.
    """
    stub = Path(file).with_suffix(".pyi")
    where = public_names(stub)

    def get(name: str) -> Any:
        if name not in where:
            message = f"{package} has no {name!r}"
            if not name.startswith("_"):
                message = f"{message}{_advice(name, package, stub)}"
            raise AttributeError(message, name=name, obj=sys.modules[package])
        module = importlib.import_module(where[name], package)
        found = module if where[name] == f".{name}" else getattr(module, name)
        setattr(sys.modules[package], name, found)
        return found

    def names() -> list[str]:
        always = (name for name in vars(sys.modules[package]) if name.startswith("__"))
        return [*where, *always]

    return Door(get, names, sorted(where))


@functools.cache
def public_names(stub: Path) -> dict[str, str]:
    """Each name of a stub and the module that defines it, relative to the package.

    A namespace's module is itself: `{"credit": ".credit", "Trials": ".trials"}`.
    """
    where = {}
    for statement in ast.parse(stub.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom):
            dots, module = "." * statement.level, statement.module
            for alias in statement.names:
                where[alias.name] = f"{dots}{module or alias.name}"
    return where


def at_place(place: str, package: str | None) -> Any:
    """The object that `module:name` names in `package`; its module is imported when asked for."""
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(f".{module}", package), name)


def _advice(name: str, package: str, stub: Path) -> str:
    """The namespace that has the name, or names like it."""
    where = public_names(stub)
    inside = [
        f"{package}.{namespace}.{name}"
        for namespace, module in where.items()
        if module == f".{namespace}"
        and name in public_names(stub.parent / namespace / "__init__.pyi")
    ]
    if inside:
        return f"; it is {' or '.join(inside)}."
    near = difflib.get_close_matches(name, where, n=3)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    return f"; it has {', '.join(sorted(where))}."
