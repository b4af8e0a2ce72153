"""The parameters of a cognitive model as one vector of unconstrained numbers, for fitting.

A parameter in (low, high) is low + (high - low) logistic(u); one above low is low + exp(u); one
without bounds is u itself.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar, cast

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from ...errors import ConfigError
from ...models.base import Model
from ...models.cognitive import CognitiveModel, Parameter
from ...models.parts.composed import PARTS, with_parts_of

M = TypeVar("M", bound=CognitiveModel)
Held = Mapping[str, float | str]


class ParameterSpace(eqx.Module, Generic[M]):
    """Which parameters of a model are fitted, and what the others are.

    A parameter that is a vector (one entry for each choice) takes a place for each entry.

    Attributes:
        template: the model whose parameters are replaced.
        held: values of the parameters that are not fitted.
        free: parameters that are fitted, in the order of the model.
        tied: pairs of a parameter and the free parameter that it is equal to.
    """

    template: M
    held: dict[str, np.ndarray]
    free: tuple[str, ...] = eqx.field(static=True)
    tied: tuple[tuple[str, str], ...] = eqx.field(static=True)

    @property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each fitted parameter by name."""
        return {name: np.shape(getattr(self.template, name)) for name in self.free}

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each place of the vector, such as `learning_rate`, or `bias[0]` and `bias[1]`."""
        return tuple(
            place_name(name, index)
            for name, shape in self.shapes.items()
            for index in np.ndindex(shape)
        )

    @property
    def places(self) -> list[Parameter]:
        """Bounds and starting range of the parameter at each place of the vector."""
        known = self.template.parameters
        return [known[n] for n, s in self.shapes.items() for _ in range(math.prod(s))]

    def natural(self, u: Float[Array, " place"]) -> Float[Array, " place"]:
        """The parameters in their own units, from their unconstrained values u."""
        values = [_bounded(u[i], place) for i, place in enumerate(self.places)]
        return jnp.stack(values) if values else u

    def unconstrained(
        self, natural: Float[Array | np.ndarray, "*start place"]
    ) -> Float[Array, "*start place"]:
        """Unconstrained values, the inverse of `natural`; infinite at a bound."""
        columns = [_unbounded(natural[..., i], place) for i, place in enumerate(self.places)]
        return jnp.stack(columns, axis=-1) if columns else jnp.asarray(natural)

    def build(
        self,
        u: Float[Array, " place"],
        gain: Float[Array, " signal"],
        offset: Float[Array, " signal"],
    ) -> M:
        """The model with these parameters, gains and offsets. Traceable by JAX."""
        return self.build_natural(self.natural(u), gain, offset)

    def build_natural(
        self,
        natural: Float[Array, " place"],
        gain: Float[Array, " signal"],
        offset: Float[Array, " signal"],
    ) -> M:
        """The same from parameters in their own units, which may stand at a bound."""
        values, at = {}, 0
        for name, shape in self.shapes.items():
            values[name] = natural[at : at + math.prod(shape)].reshape(shape)
            at += math.prod(shape)
        values |= {name: jnp.asarray(value, natural.dtype) for name, value in self.held.items()}
        values |= {name: values[target] for name, target in self.tied}
        return cast(M, self.template.with_parameters(values, gain=gain, offset=offset))

    def draw_starts(self, key: Key[Array, ""], n: int) -> Float[Array, "start place"]:
        """Unconstrained starting points, uniform over each parameter's starting range."""
        low, high = np.array([p.start for p in self.places]).reshape(-1, 2).T
        uniform = jax.random.uniform(key, (n, len(self.places)), dtype=float)
        return self.unconstrained(low + (high - low) * uniform)

    def own_values(self) -> Float[Array, " place"]:
        """Unconstrained values of the template's own parameters; finite also at a bound."""
        values = [np.ravel(getattr(self.template, name)).astype(float) for name in self.free]
        inner = self.unconstrained(jnp.asarray(np.concatenate([*values, []])))
        return jnp.nan_to_num(inner, posinf=10.0, neginf=-10.0)

    def middle(self) -> Float[Array, " place"]:
        """Unconstrained value of the middle of each parameter's starting range."""
        return self.unconstrained(jnp.asarray([sum(p.start) / 2 for p in self.places], float))

    def held_values(self) -> dict[str, float | list[float] | str]:
        """For each parameter that is not fitted its value, or the parameter that it is equal to."""
        return {name: value.tolist() for name, value in self.held.items()} | dict(self.tied)

    def at_bound(self, natural: Float[np.ndarray, " place"]) -> Bool[np.ndarray, " place"]:
        """True where a parameter is within a thousandth of its starting range of a bound."""
        low, high = np.array([(p.low, p.high) for p in self.places]).reshape(-1, 2).T
        margin = np.array([1e-3 * (p.start[1] - p.start[0]) for p in self.places])
        return (natural - low < margin) | (high - natural < margin)


def place_name(parameter: str, index: tuple[int, ...]) -> str:
    """The name of a place: `learning_rate` for a number, `bias[0]` for an entry of a vector."""
    return f"{parameter}[{', '.join(map(str, index))}]" if index else parameter


def parameter_space(
    model: type[M] | M,
    n_choices: int,
    *,
    variant: str | None = None,
    fixed: Held | None = None,
    free: Sequence[str] = (),
) -> ParameterSpace[M]:
    """The parameter space of a model, with some parameters held or tied.

    Args:
        model: a class; or a model, which then gives `n_choices`, `reward`, its parts, and the
            values at which parameters with a default are held.
        n_choices: of the trials.
        variant: name of a special case.
        fixed: for some parameters a value, or the name of the parameter that they are equal to;
            overrides the variant.
        free: parameters to fit although they have a default. Parameters of parts (`side_bias`),
            here or in `fixed`, put the part beside the model.

    Raises:
        ConfigError: a variant or parameter is unknown, a value is out of bounds, or options
            contradict each other.
    """
    template: Any = with_parts_of(_template(model, n_choices), (*free, *(fixed or {})))
    known = template.parameters
    of_parts = [n for kind in PARTS for n in kind.parameters if n not in known]
    for name in (*free, *(fixed or {})):
        _check_known(name, [*known, *of_parts], f"{template.name} has no parameter")
    if variant is not None:
        _check_known(variant, template.variants, f"{template.name} has no variant")
    held: dict[str, Any] = dict(template.variants[variant]) if variant is not None else {}
    held |= fixed or {}
    if both := sorted(set(free) & set(held)):
        raise ConfigError(f"{', '.join(both)} cannot be both free and fixed (variant: {variant}).")
    for name, parameter in known.items():
        if parameter.default is not None and name not in free and name not in held:
            held[name] = _default(template, name, parameter, held)
    tied = tuple((name, value) for name, value in held.items() if isinstance(value, str))
    for name, target in tied:
        _check_known(target, known, f"{name} cannot be tied: {template.name} has no parameter")
        if target in held:
            raise ConfigError(
                f"{name} is tied to {target}, which is not free itself. Tie it to a free parameter."
            )
    values = {
        name: np.broadcast_to(np.asarray(value, float), np.shape(getattr(template, name)))
        for name, value in held.items()
        if not isinstance(value, str)
    }
    for name, value in values.items():
        low, high = known[name].low, known[name].high
        if not ((value >= low) & (value <= high)).all():
            raise ConfigError(f"{name} is fixed at {value}; it must lie in [{low}, {high}].")
    return ParameterSpace(template, values, tuple(n for n in known if n not in held), tied)


def _default(template, name: str, parameter: Parameter, held: Mapping[str, Any]):
    """What a parameter is held at that is not fitted: its value, or the name of its equal."""
    value = np.asarray(getattr(template, name))
    equal = parameter.default
    if isinstance(equal, str) and (value == np.asarray(getattr(template, equal))).all():
        return held.get(equal, equal)
    return value


def _template(model, n_choices):
    kind = model if isinstance(model, type) else type(model)
    if not issubclass(kind, CognitiveModel):
        what = kind.__name__ if issubclass(kind, Model) else repr(model)
        raise ConfigError(
            f"{what} is not a cognitive model, so maximum likelihood cannot fit it. Give a "
            "cognitive model or its class, such as QLearning."
        )
    if not isinstance(model, type):
        if model.n_choices != n_choices:
            raise ConfigError(
                f"The model has {model.n_choices} choices but the trials have {n_choices}. Give a "
                f"model with n_choices={n_choices}, or the class {model.name}."
            )
        return model
    if not isinstance(getattr(model, "parameters", None), Mapping):
        raise ConfigError(
            f"The class {model.__name__} does not say which parameters it has. Give a model "
            "instead of the class: with_parts makes one of a model and parts."
        )
    _check_fields(model)
    try:
        return model.at_start(n_choices)
    except ConfigError as problem:
        raise ConfigError(
            f"{model.__name__} cannot be built for {n_choices} choices from single numbers. Give "
            f"fit_maximum_likelihood a model instead of the class. {problem}"
        ) from problem


def _check_fields(kind: type[CognitiveModel]) -> None:
    """Raises ConfigError where `parameters` of a user's class names what is no field of it."""
    fields = {field.name for field in dataclasses.fields(kind)}
    if unknown := [name for name in kind.parameters if name not in fields]:
        raise ConfigError(
            f"{kind.__name__}.parameters names {', '.join(unknown)}, but the class has no such "
            f"field. Add a line for each: {unknown[0]}: Float[Array, ''] = "
            "eqx.field(converter=jnp.asarray)"
        )


def _check_known(name, known, what):
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise ConfigError(f"{what} '{name}'; there are {', '.join(known) or 'none'}.{hint}")


def _bounded(u, place: Parameter):
    if math.isfinite(place.low) and math.isfinite(place.high):
        return place.low + (place.high - place.low) * jax.nn.sigmoid(u)
    if math.isfinite(place.low):
        return place.low + jnp.exp(u)
    if math.isfinite(place.high):
        return place.high - jnp.exp(u)
    return u


def _unbounded(x, place: Parameter):
    if math.isfinite(place.low) and math.isfinite(place.high):
        return jnp.log(x - place.low) - jnp.log(place.high - x)
    if math.isfinite(place.low):
        return jnp.log(x - place.low)
    if math.isfinite(place.high):
        return jnp.log(place.high - x)
    return jnp.asarray(x)
