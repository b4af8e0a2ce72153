"""What is public: the names of every namespace, and the package's types in their signatures."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import re
import sys
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import accumbens

SOURCE = Path(accumbens.__file__).parent


def namespaces() -> dict[str, types.ModuleType]:
    """`accumbens` and its namespaces, by their full names."""
    found = {"accumbens": accumbens}
    for name in accumbens.__all__:
        if (SOURCE / name / "__init__.pyi").is_file():
            found[f"accumbens.{name}"] = getattr(accumbens, name)
    return found


def public_objects() -> list[str]:
    """Full names of all functions and classes, such as `accumbens.credit.Schedule`, unimported."""
    names = [f"{where}.{name}" for where, module in namespaces().items() for name in module.__all__]
    return [name for name in names if name not in namespaces()]


def public_object(name: str) -> Any:
    """What has that full name."""
    where, _, short = name.rpartition(".")
    return getattr(namespaces()[where], short)


@functools.cache
def public_types() -> frozenset[type]:
    """Every class that has a public name."""
    return frozenset(filter(inspect.isclass, map(public_object, public_objects())))


def reference() -> str:
    """What `docs/api.md` should hold; `python -m helpers.front_door`, run in `tests`, writes it."""
    lines = [
        "# Reference",
        "",
        "Public names, each with the first sentence about it; `help(accumbens.unroll)` has more.",
        "`accumbens` itself has what most analyses need, its namespaces everything else.",
    ]
    for where, module in namespaces().items():
        lines += ["", f"## {where}", "", _first_sentence(module), ""]
        names = [name for name in public_objects() if name.rpartition(".")[0] == where]
        lines += [f"- `{n.rpartition('.')[2]}`: {_first_sentence(public_object(n))}" for n in names]
    return "\n".join(lines) + "\n"


def _first_sentence(found: Any) -> str:
    paragraph = " ".join(inspect.cleandoc(found.__doc__).split("\n\n")[0].split())
    text = re.split(r"(?<=[.?]) ", paragraph)[0]
    return text if text.endswith("?") else text.rstrip(":.") + "."


def types_in_signatures(found: Any) -> Iterator[tuple[str, type]]:
    """(where, type) for each of the package's own types that a user of `found` meets.

    Of a function: its parameters and what it returns. Of a class: its fields, and the same of its
    public methods and properties, inherited ones included.
    """
    if not inspect.isclass(found):
        yield from _annotated(found.__name__, found, _annotations(found))
        return
    for kind in found.__mro__:
        if _is_own(kind):
            for name, annotation in _annotations(kind).items():
                if not name.startswith("_"):
                    yield from _annotated(f"{found.__name__}.{name}", kind, {name: annotation})
    written = [] if dataclasses.is_dataclass(found) else ["__init__"]
    for name in [name for name in dir(found) if not name.startswith("_")] + written:
        member = inspect.getattr_static(found, name)
        member = getattr(member, "__func__", getattr(member, "fget", member))
        if _is_own(member):
            yield from _annotated(f"{found.__name__}.{name}", member, _annotations(member))


def _is_own(found: Any) -> bool:
    return str(getattr(found, "__module__", "")).split(".")[0] == "accumbens"


def _annotations(found: Any) -> dict[str, Any]:
    return dict(getattr(inspect.unwrap(found), "__annotations__", {}))


def _annotated(where: str, found: Any, annotations: dict[str, Any]) -> Iterator[tuple[str, type]]:
    names = _names_in(sys.modules[found.__module__])
    for name, annotation in annotations.items():
        if isinstance(annotation, typing.ForwardRef):
            annotation = annotation.__forward_arg__
        seen = [annotation]
        if isinstance(annotation, str):
            tree = ast.walk(ast.parse(annotation, mode="eval"))
            used = [
                ast.unparse(part) for part in tree if isinstance(part, ast.Name | ast.Attribute)
            ]
            seen = [eval(expression, names) for expression in used]
        for kind in _own_types(seen):
            yield f"{where}: {name}", kind


def _own_types(seen: list[Any]) -> set[type]:
    """The package's classes among `seen`, aliases such as `dict[str, Estimate]` opened."""
    own, left = set(), list(seen)
    while left:
        one = left.pop()
        left += one if isinstance(one, list) else typing.get_args(one)
        if isinstance(one, typing.TypeVar) and one.__bound__ is not None:
            left.append(one.__bound__)
        if inspect.isclass(one) and _is_own(one):
            own.add(one)
    return own


@functools.cache
def _names_in(module: types.ModuleType) -> dict[str, Any]:
    """What names mean in a module, those included that it imports for type checkers alone."""
    names: dict[str, Any] = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            block = ast.Module(node.body, [])
            exec(compile(block, module.__file__, "exec"), names)
    return names


if __name__ == "__main__":
    (Path(__file__).parents[2] / "docs" / "api.md").write_text(reference())
