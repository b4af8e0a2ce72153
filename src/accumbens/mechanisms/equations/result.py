"""What a distillation gives: equations, their parameters, and the model that they make."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from ...models.distilled import Distilled
from ...scoring.bootstrap import Resampling
from ...summary import Summary, counted, summarized
from ...trials import Trials
from .equation import Equation
from .parameters import Condition, EquationParameter, rule_parameters, update_parameters
from .scales import Scale
from .words import choice_words, term_words
from .written import written_rule, written_update

if TYPE_CHECKING:
    import pandas as pd

EXPLAINED = 0.005
"""Nats per trial of divergence up to which the equations say the same as the network: about half a
percent of likelihood."""


@summarized
@dataclasses.dataclass(frozen=True)
class Distillation:
    """Equations of a fitted model.

    Attributes:
        latents: those described.
        scales: the unit of each: which of the network's values are 0 and 1, and what moves it.
        updates: the change of each latent on a trial.
        choice_rule: log-odds of each choice against choice 0, from choice 1 on.
        signal_rule: each signal, in its own unit.
        model: the model that the equations make; latents in the unit of `scales`.
        divergence: of the network's choices from the equations', in nats per trial (KL), and of its
            signals; on the trials from which the equations are. NaN where weights were refitted.
        memory: by how much the network's choices differ from the same probabilities on every trial,
            in nats per trial (KL); up to `tolerance`, equations say nothing of the past.
        divergence_of_lines: the same of equations that are lines in the latents.
        tolerance: of it, that fewer terms may cost.
        drawn: resamples of the sessions.
        trials: from which the equations are.
    """

    latents: tuple[str, ...]
    scales: tuple[Scale, ...]
    updates: tuple[Equation, ...]
    choice_rule: tuple[Equation, ...]
    signal_rule: tuple[Equation, ...]
    model: Distilled
    divergence: float
    memory: float
    divergence_of_lines: float
    tolerance: float
    drawn: Resampling
    trials: Trials

    @property
    def explains(self) -> bool:
        """Whether the equations say of the choices what the network does (see `EXPLAINED`)."""
        return self.divergence <= EXPLAINED

    @property
    def n_terms(self) -> int:
        """Terms of the updates."""
        return sum(one.terms.n for one in self.updates)

    @property
    def read(self) -> tuple[str, ...]:
        """Latents on which choices or signals depend, directly or by way of other latents."""
        rules = (*self.choice_rule, *self.signal_rule)
        wanted = {k for rule in rules for k in np.flatnonzero(rule.terms.latent_power.any(0))}
        while True:
            more = {
                j for k in wanted for j in np.flatnonzero(self.updates[k].terms.latent_power.any(0))
            }
            if more <= wanted:
                return tuple(name for k, name in enumerate(self.latents) if k in wanted)
            wanted |= more

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Choices with their outcomes, as they occur in the trials."""
        valid = self.trials.valid
        each = np.column_stack([self.trials.choice[valid], self.trials.outcome[valid]])
        rows = np.unique(each, axis=0)
        return tuple(Condition(int(row[0]), tuple(row[1:].tolist())) for row in rows)

    def parameters(self) -> list[EquationParameter]:
        """The equations' weights as the field's parameters; none of what is not a line."""
        names = self.trials.names
        found = []
        for k, (equation, scale) in enumerate(zip(self.updates, self.scales, strict=True)):
            if equation.of in self.read:
                found += update_parameters(equation, k, scale, self.conditions, names)
        by_name = dict(zip(self.latents, self.scales, strict=True))
        for i, equation in enumerate(self.choice_rule, start=1):
            found += rule_parameters(equation, by_name, names, choice_words(names, [i]))
        return found

    def parameter_frame(self) -> pd.DataFrame:
        """A row for each parameter: of, parameter, after, value, low, high (95 %, resamples)."""
        import pandas as pd

        rows = [
            (p.of, p.name, p.after, p.value, *self._interval(p.value, p.draws))
            for p in self.parameters()
        ]
        return pd.DataFrame(rows, columns=["of", "parameter", "after", "value", "low", "high"])

    def term_frame(self) -> pd.DataFrame:
        """A row for each term of each equation.

        Returns:
            A table with columns rule ("update", "choice", "signal"), of, term, weight, low, high
            (95 % interval over resamples of sessions or animals, with the same terms), inclusion
            (share of resamples in which the term is among the fewest that explain as much),
            unexplained (of the whole equation).
        """
        import pandas as pd

        rows = []
        rules = {
            "update": self.updates, "choice": self.choice_rule, "signal": self.signal_rule,
        }  # fmt: skip
        for rule, equations in rules.items():
            for one in equations:
                words = term_words(one.terms, self.trials.names, self.latents)
                for t, word in enumerate(words):
                    ends = self._interval(one.weight[t], one.draws[:, t])
                    of = rule, one.of, word, one.weight[t], *ends
                    rows.append((*of, one.inclusion[t], one.unexplained))
        columns = ["rule", "of", "term", "weight", "low", "high", "inclusion", "unexplained"]
        return pd.DataFrame(rows, columns=columns)

    def text(self) -> str:
        """The equations, a block for each latent, then the choice and the signal rules."""
        names, lines = self.trials.names, []
        for k, (equation, scale) in enumerate(zip(self.updates, self.scales, strict=True)):
            if equation.of not in self.read:
                lines.append(f"{equation.of}: nothing reads it")
                continue
            lines.append(f"{equation.of}: {scale.words}; at the start {self.start(k):.3f}")
            written = written_update(equation, k, scale, self.conditions, names, self.latents)
            lines += [f"  {line}" for line in written]
        zero = choice_words(names, [0])
        for i, equation in enumerate(self.choice_rule, start=1):
            left = f"log-odds of {choice_words(names, [i])} against {zero}"
            lines.append(written_rule(equation, names, self.latents, left))
        for equation in self.signal_rule:
            lines.append(written_rule(equation, names, self.latents, equation.of))
        if any(" c" in f" {w}" for w in self._words()):
            ends = choice_words(names, [1]), zero
            lines.append(f"c: +1 after {ends[0]}, -1 after {ends[1]}")
        return "\n".join(lines)

    def start(self, k: int) -> float:
        """The value of latent k before the first trial."""
        return float(self.model.initial[k])

    def verdict(self) -> str:
        """In one sentence, whether the equations explain the network."""
        if not self.read:
            return (
                "Nothing found: choices do not depend on what happened before; the network's "
                f"differ by {self.memory:.2g} nats per trial from the same probabilities on every "
                "trial."
            )
        if np.isnan(self.divergence):
            return "Weights are those most likely to give the choices, with the network's terms."
        how = f"{self.divergence:.2g} nats per trial"
        if self.explains:
            text = (
                f"Left to themselves, the equations say of the choices what the network does, to "
                f"{how}."
            )
            if self.divergence < self.divergence_of_lines:
                text += (
                    f" They have {self.n_terms} terms, with powers and products of latents; lines "
                    f"differ by {self.divergence_of_lines:.2g}."
                )
            return text
        return (
            f"The equations do not explain the network: left to themselves, they differ from it by "
            f"{how} (at most {EXPLAINED:g} would do)."
        )

    def _words(self) -> list[str]:
        everything = (*self.updates, *self.signal_rule)
        return [
            word.split(" ")[0]
            for one in everything
            for word in term_words(one.terms, self.trials.names, self.latents)
            if word.split(" ")[0] == "c"
        ]

    def _interval(self, value: float, draws) -> tuple[float, float]:
        if len(draws) < 2:
            return np.nan, np.nan
        counted = self.trials.valid.sum(1)[:, None].astype(float)
        low, high = self.drawn.interval(np.array([value]), draws[:, None], counted, 0.95)
        return float(low[0]), float(high[0])

    def _summary(self) -> Summary:
        title = f"Equations of {counted(len(self.latents), 'latent')} with {self.n_terms} terms"
        return Summary(title, notes=[*self.text().split("\n"), self.verdict()])
