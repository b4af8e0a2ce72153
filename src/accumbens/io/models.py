"""Models on disk: parameters as safetensors, everything else as JSON beside them.

`model.safetensors` holds each array of the model under its path (`core.reader.mlps.w_in`);
`model.json` holds the format's version, the model's registered name (`models.registered`) and its
fields. `rebuilding` checks what comes back, `migrations` reads what earlier versions wrote.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from ..errors import DataError, expect
from ..files import write_atomically
from ..models.base import Model, refuse_class
from ..models.by_subject import BySubject
from ..models.parts.part import Part
from ..models.registered import own_name, registered_name
from .migrations import FORMAT, as_current_format
from .rebuilding import Damage, MissingClass, rebuilt


def save_model(model: Model, stem: str | os.PathLike[str]) -> None:
    """Writes `<stem>.safetensors` and `<stem>.json`, each under a temporary name, then renamed.

    Args:
        model: with finite parameters; one of this package's models, or of a class of your own,
            which `load_model` then asks for.
        stem: path of both files, without their endings.

    Raises:
        DataError: the model, or a part of it, cannot be saved; names which.
    """
    from safetensors.numpy import save

    refuse_class(model)
    arrays: dict[str, np.ndarray] = {}
    described = _described(model, "", arrays)
    description = {"format": FORMAT, "model": described["class"], "fields": described["fields"]}
    write_atomically(_with(stem, ".safetensors"), save(arrays))
    write_atomically(_with(stem, ".json"), json.dumps(description, indent=1).encode())


def load_model(stem: str | os.PathLike[str], *, own: Sequence[type[Model]] = ()) -> Any:
    """The model that `save_model` of this or an earlier version wrote.

    Args:
        stem: path of both files, without their endings.
        own: classes of your own that the model is made of. Files name such a class and do not hold
            it, so it must have the fields that it had.

    Returns:
        The model, every array of the shape and kind that its class demands.

    Raises:
        DataError: a file is missing, damaged, or of a later version, and names the field; or a
            class of your own is needed.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    weights, text = _with(stem, ".safetensors"), _with(stem, ".json")
    for path in (weights, text):
        if not path.is_file():
            raise DataError(f"There is no saved model here: {path} is missing.")
    try:
        description = json.loads(text.read_bytes())
        arrays = load(weights.read_bytes())
    except (ValueError, KeyError, TypeError, RecursionError, SafetensorError) as error:
        raise DataError(f"The saved model {stem} is damaged ({error}). Fit it again.") from error
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise DataError(
            f"{text} has format {found}; this version of accumbens reads formats up to {FORMAT}. "
            "Update accumbens."
        )
    try:
        named = {own_name(kind): kind for kind in own}
        return rebuilt(as_current_format(description), arrays, named)
    except MissingClass as error:
        raise DataError(f"The saved model {stem} cannot be loaded: {error}.") from error
    except Damage as error:
        raise DataError(f"The saved model {stem} is damaged: {error}. Fit it again.") from error


def _with(stem: str | os.PathLike[str], suffix: str) -> Path:
    expect(stem, (str, os.PathLike), "stem", "Give the path of both files, without their endings.")
    return Path(f"{os.fspath(stem)}{suffix}")


def _described(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """`value` as JSON; its arrays go to `arrays` under their paths."""
    if isinstance(value, jax.Array | np.ndarray):
        array = np.array(value, order="C")
        if not np.isfinite(array).all():
            raise DataError(
                f"Cannot save {path}: it holds numbers that are not finite. Fit it again."
            )
        arrays[path] = array
        return {"array": path}
    if dataclasses.is_dataclass(value):
        name = registered_name(type(value))
        if name is None and isinstance(value, Model | Part):
            name = own_name(type(value))
        if name is None:
            raise DataError(
                f"Cannot save {path or 'the model'}: {type(value).__name__} is not a class of "
                "accumbens, so a saved one cannot be loaded. Save its parameters in a file of your "
                "own."
            )
        value = value.stored() if isinstance(value, BySubject) else value
        fields = {
            f.name: _described(getattr(value, f.name), f"{path}.{f.name}".lstrip("."), arrays)
            for f in dataclasses.fields(value)
        }
        return {"class": name, "fields": fields}
    if isinstance(value, tuple | list):
        return {"tuple": [_described(v, f"{path}.{i}", arrays) for i, v in enumerate(value)]}
    if value is None or isinstance(value, str | int | float | bool):
        return {"value": value}
    raise DataError(
        f"Cannot save {path or 'the model'}: it holds a {type(value).__name__}. Use arrays, "
        "numbers and text."
    )
