"""A saved model brought back: nothing gets through that the model's class does not demand.

Every field must be there, and no other; arrays have the axes and the kind of number that the field
is annotated with, axes of one name one length, and finite numbers; then the classes' own checks
(`__check_init__`) see whether the parts fit together. So no compiled code meets a wrong shape.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from math import isfinite
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import AbstractArray, jaxtyped

from ..errors import ConfigError
from ..models.base import Model
from ..models.by_subject import BySubject, StoredSubjects
from ..models.registered import OWN, registered_class


class Damage(Exception):
    """What is wrong with a saved model: a clause that names the field."""


class MissingClass(Damage):
    """Which class of a user is needed: a sentence of its own."""


LOOSE = (Any, jax.Array, float)
"""What users annotate an array with that says nothing of its shape."""


class Saved(NamedTuple):
    """What a saved model consists of beside its description.

    arrays: by path. used: those that a field has taken. own: users' classes by their names.
    """

    arrays: Mapping[str, np.ndarray]
    used: set[str]
    own: Mapping[str, type]


def rebuilt(
    description: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
    own: Mapping[str, type] = types.MappingProxyType({}),
) -> Model:
    """The model that a description of the current format stands for. Raises Damage.

    own: classes of users that it may hold, by their saved names.
    """
    if set(description) != {"format", "model", "fields"}:
        raise Damage(f"it has the entries {_list(description)}, not format, model and fields")
    saved = Saved(arrays, set(), own)
    node = {"class": description["model"], "fields": description["fields"]}
    model = _object(node, Model, "", saved)
    unused = sorted(set(arrays) - saved.used)
    if unused:
        raise Damage(f"no field holds the arrays {_list(unused)}")
    if model.n_choices < 2:
        raise Damage(f"n_choices is {model.n_choices}, and must be at least 2")
    return model


def _object(node: Mapping[str, Any], demanded: type, path: str, saved: Saved) -> Any:
    """A registered class's object, as it was saved, without running its constructor again."""
    name, given = node["class"], node.get("fields")
    kind = _class_of(name, path, saved) if isinstance(name, str) else None
    if kind is None or not issubclass(kind, demanded):
        raise Damage(f"{path or 'model'} is {name!r}, which is no known {demanded.__name__}")
    if not isinstance(given, dict):
        raise Damage(f"{path or 'model'} has no fields")
    stored: type = StoredSubjects if kind is BySubject else kind
    hints = typing.get_type_hints(stored)
    fields = [field.name for field in dataclasses.fields(stored)]
    for field in [*fields, *given]:
        if field not in given:
            raise Damage(f"{_join(path, field)} is missing")
        if field not in fields:
            raise Damage(f"{_join(path, field)} is unknown")
    values = {
        field: _value(given[field], hints[field], _join(path, field), saved) for field in fields
    }
    _check_axes(hints, values, path)
    try:
        made = _made(stored, values)
        return made.restored() if isinstance(made, StoredSubjects) else made
    except ConfigError as error:
        reason = str(error).rstrip(".")
        raise Damage(f"{path or 'model'} does not fit together ({reason})") from error


def _class_of(name: str, path: str, saved: Saved) -> Any:
    if name.startswith(OWN) and name not in saved.own:
        short = name.removeprefix(OWN)
        raise MissingClass(
            f"{path or 'the model'} is of the class {short}, which is not of accumbens. Define or "
            f"import the class as it was, and give it: load_model(..., own=[{short}])"
        )
    return saved.own.get(name) or registered_class(name)


def _check_axes(hints: Mapping[str, Any], values: Mapping[str, Any], path: str) -> None:
    """Raises Damage where an array is not as annotated; axes of one name have one length."""
    arrays = {name: x for name, x in values.items() if _array_hint(hints[name]) and x is not None}
    for name, x in arrays.items():
        wanted = _array_hint(hints[name])
        with jaxtyped("context"):
            alone = isinstance(x, wanted)
        if not alone:
            kind = "real" if "float32" in wanted.dtypes else "whole"
            raise Damage(
                f"{_join(path, name)} holds {x.dtype} numbers of shape {x.shape}, not {kind} "
                f"numbers with the axes ({', '.join(wanted.dim_str.split())})"
            )
    with jaxtyped("context"):
        for name, x in arrays.items():
            if not isinstance(x, _array_hint(hints[name])):
                others = ", ".join(f"{k} {v.shape}" for k, v in arrays.items() if k != name)
                raise Damage(
                    f"{_join(path, name)} has shape {x.shape}, which does not fit the other arrays "
                    f"({others})"
                )


def _made(kind: type, values: dict[str, Any]) -> Any:
    if not issubclass(kind, eqx.Module):
        return kind(**values)
    made = object.__new__(kind)
    for field, value in values.items():
        object.__setattr__(made, field, value)
    for each in kind.__mro__:
        if "__check_init__" in each.__dict__:
            each.__check_init__(made)
    return made


def _value(node: Any, hint: Any, path: str, saved: Saved) -> Any:
    """A field's value, of the type with which the field is annotated."""
    if not isinstance(node, dict):
        raise Damage(f"{path} is {node!r}, not an entry that names its kind")
    wanted = _array_hint(hint)
    if (wanted is not None or any(hint is loose for loose in LOOSE)) and "array" in node:
        return _array(node["array"], path, saved)
    if wanted is not None and type(node.get("value")) is float and isfinite(node["value"]):
        return jnp.asarray(node["value"])
    if wanted is None and "class" in node and isinstance(hint, type):
        demanded: type = hint
        return _object(node, demanded, path, saved)
    if typing.get_origin(hint) is tuple and isinstance(node.get("tuple"), list):
        inner = typing.get_args(hint)[0]
        return tuple(
            _value(item, inner, f"{path}.{i}", saved) for i, item in enumerate(node["tuple"])
        )
    if "value" in node and _fits(node["value"], hint):
        return node["value"]
    raise Damage(f"{path} is {_kind_of(node)}, and must be {_said(hint)}")


def _array(name: Any, path: str, saved: Saved) -> Any:
    if not isinstance(name, str) or name not in saved.arrays:
        raise Damage(f"{path} is missing from the arrays")
    saved.used.add(name)
    array = saved.arrays[name]
    if array.dtype.kind not in "fiu":
        raise Damage(f"{path} holds {array.dtype} values, not numbers")
    single = jnp.asarray(array)
    if not np.isfinite(np.asarray(single)).all():
        raise Damage(f"{path} holds numbers that are not finite")
    return single


def _fits(value: Any, hint: Any) -> bool:
    """Whether a plain value is of the annotated type; whole numbers are at least 0."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return any(_fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return value in arguments
    if hint is type(None):
        return value is None
    if hint is int:
        return type(value) is int and value >= 0
    return hint in (float, str, bool) and type(value) is hint


def _array_hint(hint: Any) -> Any:
    """The array that the field is annotated with, if it is one (or None)."""
    for each in (hint, *typing.get_args(hint)):
        if isinstance(each, type) and issubclass(each, AbstractArray):
            return each
    return None


def _kind_of(node: Mapping[str, Any]) -> str:
    if "value" in node:
        return repr(node["value"])
    known = [kind for kind in ("array", "tuple", "class") if kind in node]
    return {"array": "an array", "tuple": "a list", "class": f"a {node.get('class')}"}.get(
        known[0] if known else "", "empty"
    )


def _said(hint: Any) -> str:
    if hint is int:
        return "a whole number of at least 0"
    if isinstance(hint, type):
        return hint.__name__
    return str(hint).replace("typing.", "")


def _join(path: str, field: str) -> str:
    return f"{path}.{field}" if path else field


def _list(names: Any) -> str:
    return ", ".join(map(str, names)) or "none"
