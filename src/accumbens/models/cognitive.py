"""What all cognitive models share: parameters in natural units, one prediction error, a signal."""

from __future__ import annotations

import abc
import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice
from ..errors import ConfigError
from ..trials import Trials
from .base import Model, State

MAX_INVERSE_TEMPERATURE = 100.0
"""Above it a difference in value of 0.1 decides 99.995 % of choices. Without a bound, animals that
merely count rewards drive learning rates to 0 and this to infinity, where the model's single
precision no longer sees the values move."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a fitter must know of one parameter, in the parameter's natural unit.

    low, high: the open interval of possible values; -inf and inf where there is no bound.
    start: the range from which a multi-start fit draws its starting values.
    meaning: one line for tables and help.
    default: the value at which it is held, or the name of the parameter that it equals, unless the
        user asks to fit it; None: fitted unless the user fixes it.
    """

    low: float
    high: float
    start: tuple[float, float]
    meaning: str
    default: float | str | None = None


def real(value: Any) -> Array:
    """A number, list or array (or a tracer of one) as a JAX array of real numbers."""
    value = jnp.asarray(value)
    return value.astype(jnp.result_type(value, float))


def real_vector(value: Any) -> Array:
    """The same with at least one axis, so that a single gain may be given as a number."""
    return jnp.atleast_1d(real(value))


class CognitiveModel(Model):
    """A model whose fields are parameters and whose signal is a scaled prediction error.

    signal = gain x prediction_error + offset, gain and offset in the unit of each signal; they are
    empty, and `n_signals` 0, for a model of choices alone.

    parameters: the parameters of choice, in the order of the fields, that may be fitted.
    variants: special cases by name; each maps a parameter to the number at which it is fixed or to
        the name of the parameter to which it is tied.
    scale_parameter: the parameter that, as far as the signal goes, only scales the prediction
        error; a fit to the signal alone holds it at 1, as gain does the same. None: there is none.
    reward: which outcome column is the reward.
    Raises ConfigError when gain and offset differ in length.
    """

    parameters: ClassVar[dict[str, Parameter]]
    variants: ClassVar[dict[str, dict[str, float | str]]] = {}
    scale_parameter: ClassVar[str | None] = None

    gain: Float[Array, " signal"] = eqx.field(converter=real_vector, default=(), kw_only=True)
    offset: Float[Array, " signal"] = eqx.field(converter=real_vector, default=(), kw_only=True)
    n_choices: int = eqx.field(static=True, default=2, kw_only=True)
    reward: int = eqx.field(static=True, default=0, kw_only=True)

    def __check_init__(self) -> None:
        if self.gain.shape != self.offset.shape:
            raise ConfigError(
                f"{self.name} has {self.gain.size} gains but {self.offset.size} offsets. "
                "Give one of each for every signal."
            )

    @property
    def n_signals(self) -> int:
        return self.gain.shape[-1]

    @classmethod
    def at_start(cls, n_choices: int) -> CognitiveModel:
        """The model with each parameter at its default or in the middle of its starting range.

        Raises ConfigError when it cannot be built for that many choices from single numbers.
        """
        values: dict[str, Any] = {
            name: sum(p.start) / 2 if p.default is None else p.default
            for name, p in cls.parameters.items()
            if not isinstance(p.default, str)
        }
        return cls(**values, n_choices=n_choices)

    def suited_to(self, datasets: Sequence[Trials]) -> CognitiveModel:
        """The model as it is fitted to these trials: the same, unless their coding asks for more.

        Raises DataError when the model cannot be fitted to them.
        """
        del datasets
        return self

    def with_parameters(
        self, values: Mapping[str, Any], *, gain: Any = None, offset: Any = None
    ) -> CognitiveModel:
        """The same model with other values of some parameters, by name. Traceable by JAX.

        Args:
            values: Parameter -> value.
            gain: Of each signal; None leaves it as it is.
            offset: The same.
        """
        signal = {"gain": gain, "offset": offset}
        signal = {name: value for name, value in signal.items() if value is not None}
        return dataclasses.replace(self, **values, **signal)

    @abc.abstractmethod
    def prediction_error(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        """What the outcome was, less what the state led to expect; in units of reward."""

    def reward_of(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        """The reward among the outcomes; raises ConfigError when there is no such column."""
        if self.reward >= outcome.shape[0]:
            raise ConfigError(
                f"{self.name} takes outcome column {self.reward} as the reward, but the "
                f"outcomes have {outcome.shape[0]} columns, counted from 0. Give another "
                "column (reward)."
            )
        return outcome[self.reward]

    def signals(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, " signal"]:
        return self.gain * self.prediction_error(state, choice, outcome) + self.offset

    def outcome_latents(
        self, state: State, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> dict[str, Float[Array, ""]]:
        return {"prediction_error": self.prediction_error(state, choice, outcome)}

    def _facts(self) -> list[tuple[str, str]]:
        return sorted(super()._facts(), key=lambda fact: fact[0] in ("gain", "offset"))


def by_choice(prefix: str, values: PerChoice) -> dict[str, Float[Array, ""]]:
    """One named latent per choice: `<prefix>_0`, `<prefix>_1`, ..."""
    return {f"{prefix}_{i}": value for i, value in enumerate(values)}
