"""Models on disk: parameters as safetensors, everything else as JSON beside them.

`model.safetensors` holds each array of the model under its path (`update_reader.mlps.w_in`);
`model.json` holds the class, the fields that are not arrays, and the format's version.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..errors import DataError
from ..files import write_atomically
from ..models.base import Model

FORMAT = 1
_PACKAGE = __name__.split(".")[0]


def save_model(model: Model, stem: str | os.PathLike[str]) -> None:
    """Writes `<stem>.safetensors` and `<stem>.json`, each under a temporary name, then renamed.

    Example:
        >>> import tempfile
        >>> import accumbens
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     accumbens.save_model(accumbens.QLearning(0.3, 3.0), f"{folder}/agent")
        ...     model = accumbens.load_model(f"{folder}/agent")
        >>> round(float(model.learning_rate), 3)
        0.3
    """
    from safetensors.numpy import save

    arrays: dict[str, np.ndarray] = {}
    description = {"format": FORMAT, "model": _described(model, "", arrays)}
    write_atomically(_with(stem, ".safetensors"), save(arrays))
    write_atomically(_with(stem, ".json"), json.dumps(description, indent=1).encode())


def load_model(stem: str | os.PathLike[str]) -> Any:
    """The model that `save_model` wrote. Raises DataError naming what is missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    weights, text = _with(stem, ".safetensors"), _with(stem, ".json")
    for path in (weights, text):
        if not path.is_file():
            raise DataError(f"No saved model here: {path} is missing.")
    try:
        description = json.loads(text.read_text())
        arrays = load(weights.read_bytes())
    except (ValueError, SafetensorError) as error:
        raise DataError(f"The saved model {stem} is damaged ({error}). Fit it again.") from error
    found = description.get("format") if isinstance(description, dict) else None
    if isinstance(found, int) and found != FORMAT:
        raise DataError(f"{text} has format {found}; this version reads format {FORMAT}.")
    try:
        return _rebuilt(description["model"], "", arrays)
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(f"The saved model {stem} is damaged ({error!r}). Fit it again.") from error


def _with(stem: str | os.PathLike[str], suffix: str) -> Path:
    return Path(f"{os.fspath(stem)}{suffix}")


def _described(value: Any, path: str, arrays: dict[str, np.ndarray]) -> Any:
    """`value` as JSON; its arrays go to `arrays` under their paths."""
    if isinstance(value, jax.Array | np.ndarray):
        arrays[path] = np.array(value, order="C")
        return {"array": path}
    if dataclasses.is_dataclass(value):
        kind = type(value)
        fields = {
            f.name: _described(getattr(value, f.name), f"{path}.{f.name}".lstrip("."), arrays)
            for f in dataclasses.fields(value)
        }
        return {"class": f"{kind.__module__}:{kind.__qualname__}", "fields": fields}
    if isinstance(value, tuple | list):
        return {"tuple": [_described(v, f"{path}.{i}", arrays) for i, v in enumerate(value)]}
    if value is None or isinstance(value, str | int | float | bool):
        return {"value": value}
    raise DataError(f"Cannot save {path or 'the model'}: it holds a {type(value).__name__}.")


def _rebuilt(node: dict, path: str, arrays: dict[str, np.ndarray]) -> Any:
    if "array" in node:
        return jnp.asarray(arrays[node["array"]])
    if "tuple" in node:
        return tuple(_rebuilt(v, path, arrays) for v in node["tuple"])
    if "value" in node:
        return node["value"]
    module, _, name = node["class"].partition(":")
    if module.split(".")[0] != _PACKAGE:
        raise TypeError(f"{module} is not part of {_PACKAGE}")
    kind = getattr(importlib.import_module(module), name)
    fields = {k: _rebuilt(v, f"{path}.{k}", arrays) for k, v in node["fields"].items()}
    if not issubclass(kind, eqx.Module):
        return kind(**fields)
    model = object.__new__(kind)  # as it was saved, without running its constructor again
    for k, v in fields.items():
        object.__setattr__(model, k, v)
    return model
