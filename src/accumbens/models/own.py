"""Models that users write: what would end in an error deep inside JAX is said in words, early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from ..errors import ConfigError
from .base import Model


def is_own(kind: type) -> bool:
    """Whether a class is a user's: of a notebook, a script or another package."""
    return kind.__module__.split(".")[0] != __name__.split(".")[0]


def check_own_model(model: Model, n_outcomes: int) -> None:
    """Tries a user's model on one trial, without computing; models of the package pass unseen.

    Args:
        model: any model; of a model with parts, the model is tried.
        n_outcomes: columns of outcomes that a trial has.

    Raises:
        ConfigError: a method branches on a value that JAX traces, or gives something of another
            shape than the rest of the package needs; names the method.
    """
    inner = getattr(model, "model", None)  # of a model with parts
    model = inner if isinstance(inner, Model) else model
    if not is_own(type(model)):
        return
    subject = choice = jax.ShapeDtypeStruct((), jnp.int32)
    outcome = jax.ShapeDtypeStruct((n_outcomes,), jnp.result_type(float))
    state = _traced(model, model.initial_state, subject)
    logits = _traced(model, model.choice_logits, state)
    _check_shape(model, "choice_logits", logits, (model.n_choices,), "one number for each choice")
    prediction_error = getattr(model, "prediction_error", None)
    if prediction_error is not None:
        error = _traced(model, prediction_error, state, choice, outcome)
        _check_shape(model, "prediction_error", error, (), "one number")
    for name, latent in _traced(model, model.latents, state).items():
        _check_shape(model, f"latents, {name},", latent, (), "one number by name")
    _check_state(model, state, _traced(model, model.update, state, choice, outcome))


def _traced(model: Model, method: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return jax.eval_shape(method, *arguments)
    except jax.errors.ConcretizationTypeError as problem:
        raise ConfigError(
            f"{model.name}.{method.__name__} asks for the value of something that JAX only traces, "
            "by `if`, `and`, int() or the like. Choose between values with jnp.where."
        ) from problem


def _check_shape(model: Model, method: str, found: Any, shape: tuple[int, ...], words: str) -> None:
    if jnp.shape(found) != shape:
        raise ConfigError(
            f"{model.name}.{method} gives an array of shape {jnp.shape(found)}; it must give "
            f"{words}, shape {shape}."
        )


def _check_state(model: Model, before: Any, after: Any) -> None:
    if jax.tree.structure(before) != jax.tree.structure(after):
        raise ConfigError(
            f"{model.name}.update gives a state made of {jax.tree.structure(after)}, but "
            f"initial_state one of {jax.tree.structure(before)}. Give the same kind of state in "
            "both."
        )
    for old, new in zip(jax.tree.leaves(before), jax.tree.leaves(after), strict=True):
        real = jnp.issubdtype(old.dtype, jnp.floating), jnp.issubdtype(new.dtype, jnp.floating)
        if old.shape != new.shape or real[0] != real[1]:
            raise ConfigError(
                f"{model.name}.update gives an array {_said(new)} in its state where initial_state "
                f"gives {_said(old)}. Give arrays of one shape and kind in both."
            )


def _said(array: Any) -> str:
    kind = "real" if jnp.issubdtype(array.dtype, jnp.floating) else str(array.dtype)
    return f"of {kind} numbers with shape {array.shape}"
