"""Agents of the distractor-rewards task: which rewards do they credit to their choices?

All learn the value of the choice made from what they credit to it, c in [0, 1]:

    prediction error = c - Q(a);   Q(a) <- Q(a) + alpha (c - Q(a));   logits = beta Q,   Q_1 = 1/2.

Miller et al., Structured credit assignment in mice, Figure 2a, b; Jocham et al. (2016), Neuron
90:177. The two-process agent has a file of its own.
"""

from __future__ import annotations

import abc
from typing import ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..choices import PerChoice, of_choice
from ..errors import ConfigError
from .cognitive import MAX_INVERSE_TEMPERATURE, Parameter, by_choice, real
from .unit_reward import UnitReward

LEARNING = {
    "learning_rate": Parameter(0.0, 1.0, (0.05, 0.9), "step of the chosen value to what came"),
    "inverse_temperature": Parameter(
        0.0,
        MAX_INVERSE_TEMPERATURE,
        (0.5, 8.0),
        "how strongly values decide (log-odds per reward)",
    ),
}


class TwoRewards(UnitReward):
    """What all these agents share: two kinds of reward, found by their outcome columns.

    controllable, distractor: outcome columns of both rewards, each 0 or 1.
    """

    controllable: int = eqx.field(static=True, default=0, kw_only=True)
    distractor: int = eqx.field(static=True, default=1, kw_only=True)

    @property
    def reward_columns(self) -> tuple[int, ...]:
        return self.controllable, self.distractor

    def rewards_of(
        self, outcome: Float[Array, " outcome"]
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """The controllable and the distractor reward; raises ConfigError without such columns."""
        if max(self.controllable, self.distractor) >= outcome.shape[0]:
            raise ConfigError(
                f"{type(self).__name__} takes outcome columns {self.controllable} and "
                f"{self.distractor} as the controllable and the distractor reward, but the "
                f"outcomes have {outcome.shape[0]} columns, counted from 0. Give other "
                "columns (controllable, distractor)."
            )
        columns = outcome[self.controllable], outcome[self.distractor]
        return self.in_units(columns[0]), self.in_units(columns[1])


class CreditLearner(TwoRewards):
    """Q-learning from what the agent credits to its choice.

    learning_rate: alpha, in (0, 1). inverse_temperature: beta, in log-odds per reward, above 0.
    State: Q of each choice, in rewards. Latents: `Q_0`, `Q_1`, ...
    """

    scale_parameter: ClassVar[str | None] = None

    learning_rate: Float[Array, ""] = eqx.field(converter=real)
    inverse_temperature: Float[Array, ""] = eqx.field(converter=real)

    @abc.abstractmethod
    def credit(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        """What of the outcome is credited to the choice, in rewards, from 0 to 1."""

    def initial_state(self, subject: Int[Array, ""]) -> PerChoice:
        return (jnp.full_like(self.learning_rate, 0.5),) * self.n_choices

    def choice_logits(self, state: PerChoice) -> Float[Array, " choice"]:
        return self.inverse_temperature * jnp.stack(state)

    def prediction_error(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> Float[Array, ""]:
        return self.credit(outcome) - of_choice(choice, state)

    def update(
        self, state: PerChoice, choice: Int[Array, ""], outcome: Float[Array, " outcome"]
    ) -> PerChoice:
        step = self.learning_rate * self.prediction_error(state, choice, outcome)
        return tuple(jnp.where(choice == i, q + step, q) for i, q in enumerate(state))

    def latents(self, state: PerChoice) -> dict[str, Float[Array, ""]]:
        return by_choice("Q", state)


class StructureNaive(CreditLearner):
    """Credits any reward to the choice that came before it, whichever reward it was.

    credit = 1 if a reward came, of either kind or both, else 0. Behaviour is the same whichever
    single reward came: weights of all rewarded outcomes are positive, of no reward negative.
    """

    parameters: ClassVar[dict[str, Parameter]] = LEARNING

    def credit(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        return jnp.maximum(*self.rewards_of(outcome))


class StructureSavvy(CreditLearner):
    """Credits only the reward that the choice controls.

    credit = controllable reward. Distractors change nothing: weights of controllable and both are
    positive, of distractor and no reward negative.
    """

    parameters: ClassVar[dict[str, Parameter]] = LEARNING

    def credit(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        return self.rewards_of(outcome)[0]


class StructureMixture(CreditLearner):
    """Credits the controllable reward in full, the distractor in part.

    credit = w controllable + (1 - w) (1 if any reward came, else 0), so a distractor alone counts
    1 - w. structure_weight: w, in (0, 1); 0 is structure-naive, 1 structure-savvy.
    Variants: "naive" and "savvy" fix w.
    """

    parameters: ClassVar[dict[str, Parameter]] = {
        **LEARNING,
        "structure_weight": Parameter(0.0, 1.0, (0.1, 0.9), "from naive (0) to savvy (1) credit"),
    }
    variants: ClassVar[dict[str, dict[str, float | str]]] = {
        "naive": {"structure_weight": 0.0},
        "savvy": {"structure_weight": 1.0},
    }

    structure_weight: Float[Array, ""] = eqx.field(converter=real)

    def credit(self, outcome: Float[Array, " outcome"]) -> Float[Array, ""]:
        controllable, distractor = self.rewards_of(outcome)
        either = jnp.maximum(controllable, distractor)
        return either + self.structure_weight * (controllable - either)
