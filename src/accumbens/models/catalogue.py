"""The list of models: what each is called, how it looks, what it needs and how it is fitted.

Commands and their help, figures, tables and the generic tests read this list: a new model is a file
with its class, an entry here, and its slow twin in `tests/helpers/oracles.py`. Classes are named by
their place, so that names and labels are there before JAX is imported.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from ..errors import ConfigError
from ..lazy import at_place

if TYPE_CHECKING:
    from .base import Model

Target = Literal["choice", "signal", "both"]
"""What a fit explains: choices, signals, or both (choices alone where there is no signal)."""

Method = Literal["likelihood", "disrnn", "gru", "means", "regression"]
"""How a model is fitted: by maximum likelihood (all cognitive models), by gradient in the disRNN's
stages or the GRU's, by the signal's means after each outcome, or by logistic regression."""

BLACK, GREY = "#000000", "#666666"
GREEN, ORANGE, PURPLE, SKY = "#009E73", "#E69F00", "#CC79A7", "#56B4E9"


@dataclasses.dataclass(frozen=True)
class ModelEntry:
    """A model of the list.

    name: what users type and saved runs hold. place: of its class, `module:Class` in `models`; or
    the class itself. label: in figures and tables; it may be typed as well.
    colour, marker: in all figures. No two models have both in common; colours are those of
    Okabe & Ito (2008) that choices do not use, and a grey that they leave apart.
    example: parameters of an agent of this kind, by name; None where only a fit gives parameters.
    fits: what `accumbens fit` offers: name of the fit -> what it is fitted to. By default the
    model's own name, fitted to choices; none: not offered.
    method: how it is fitted.
    task: "distractor" for a model that learns from two kinds of reward.
    """

    name: str
    place: str | type[Model]
    label: str
    colour: str
    marker: str = "o"
    example: Mapping[str, float | Sequence[float]] | None = None
    fits: Mapping[str, Target] | None = None
    method: Method = "likelihood"
    task: Literal["bandit", "distractor"] = "bandit"

    @property
    def model_class(self) -> Any:
        """The class, imported when it is first asked for."""
        if not isinstance(self.place, str):
            return self.place
        return at_place(self.place, __package__)

    @property
    def n_outcomes(self) -> int:
        """How many columns of outcomes the model needs at least."""
        return 2 if self.task == "distractor" else 1


CATALOGUE: tuple[ModelEntry, ...] = (
    ModelEntry("disrnn", "disrnn:DisRNN", "disRNN", BLACK, fits={"disrnn": "both"},
               method="disrnn"),
    ModelEntry("gru", "gru:GRU", "GRU", SKY, fits={"gru": "both"}, method="gru"),
    ModelEntry(
        "q_learning", "q_learning:QLearning", "Q-learning", GREEN,
        example={"learning_rate": 0.3, "inverse_temperature": 3.0, "initial_value": 0.5},
    ),
    ModelEntry(
        "dfq", "dfq:DFQ", "DFQ", ORANGE,
        example={"learning_rate": 0.4, "forgetting_rate": 0.2, "reward_strength": 3.0,
                 "no_reward_strength": 0.5},
        fits={"dfq_choice": "choice", "dfq_signal": "signal"},
    ),
    ModelEntry(
        "actor_critic", "actor_critic:ActorCritic", "actor-critic", PURPLE,
        example={"actor_learning_rate": 1.0, "actor_forgetting_rate": 0.05,
                 "critic_learning_rate": 0.2, "initial_value": 0.5},
    ),
    ModelEntry(
        "belief", "belief:BeliefAgent", "belief", SKY, "D",
        example={"good_reward_probability": 0.8, "bad_reward_probability": 0.2, "hazard": 0.05,
                 "inverse_temperature": 4.0},
    ),
    ModelEntry(
        "rflr", "rflr:RFLR", "RFLR", GREEN, "D",
        example={"choice_weight": 0.5, "reward_weight": 1.5, "time_constant": 2.0},
    ),
    ModelEntry(
        "reward_habit", "reward_habit:RewardHabit", "reward and habit", ORANGE, "D",
        example={"reward_rate": 0.6, "reward_weight": 1.2, "habit_rate": 0.2, "habit_weight": 1.0,
                 "fallacy_rate": 0.05, "fallacy_weight": 0.5},
    ),
    ModelEntry(
        "pearce_hall", "pearce_hall:PearceHall", "Pearce-Hall", PURPLE, "D",
        example={"learning_rate": 0.7, "associability_rate": 0.4, "inverse_temperature": 4.0,
                 "initial_value": 0.5},
    ),
    ModelEntry(
        "meta_learning", "meta_learning:MetaLearning", "meta-learning", BLACK, "D",
        example={"learning_rate": 0.6, "negative_learning_rate": 0.3, "uncertainty_rate": 0.2,
                 "surprise_rate": 0.5, "forgetting_rate": 0.1, "inverse_temperature": 4.0,
                 "initial_value": 0.4},
    ),
    ModelEntry("bias", "bias:BiasOnly", "bias only", GREY, "s", example={"bias": (0.5,)}),
    ModelEntry(
        "structure_naive", "structured:StructureNaive", "structure-naive", ORANGE, "s",
        example={"learning_rate": 0.3, "inverse_temperature": 3.0}, task="distractor",
    ),
    ModelEntry(
        "structure_savvy", "structured:StructureSavvy", "structure-savvy", GREEN, "s",
        example={"learning_rate": 0.3, "inverse_temperature": 3.0}, task="distractor",
    ),
    ModelEntry(
        "structure_mixture", "structured:StructureMixture", "structure mixture", PURPLE, "s",
        example={"learning_rate": 0.3, "inverse_temperature": 3.0, "structure_weight": 0.5},
        task="distractor",
    ),
    ModelEntry(
        "two_process", "two_process:TwoProcess", "two-process", SKY, "s",
        example={"learning_rate": 0.5, "inverse_temperature": 1.5, "controllable_utility": 0.8,
                 "distractor_utility": 0.1, "nothing_utility": -0.4, "habit_rate": 0.1,
                 "habit_strength": 1.0},
        task="distractor",
    ),
    ModelEntry("history", "history:HistoryRegression", "history regression", BLACK, "s", fits={},
               method="regression"),
    ModelEntry("naive", "naive:Naive", "naive", GREY, fits={"naive": "both"}, method="means"),
)  # fmt: skip
"""All models, in the order in which help lists them."""


class NamedFit(NamedTuple):
    """A way to fit a model, as `accumbens fit --models` names it."""

    name: str
    model: ModelEntry
    target: Target

    @property
    def label(self) -> str:
        """The name in figures and tables; says what was fitted where a model has several fits."""
        if len(self.model.fits or ()) < 2:
            return self.model.label
        return f"{self.model.label}, {'choices' if self.target == 'choice' else self.target}"

    @property
    def needs_signal(self) -> bool:
        """Whether it cannot be fitted to choices alone."""
        return self.target == "signal"

    @property
    def predicts_choices(self) -> bool:
        """Whether it says anything of choices; otherwise they are at chance."""
        return self.target != "signal" and self.model.method != "means"


def agents() -> dict[str, ModelEntry]:
    """The models that can be simulated without a fit, by name."""
    return {entry.name: entry for entry in CATALOGUE if entry.example is not None}


def cognitive() -> dict[str, ModelEntry]:
    """The models whose parameters are fitted by maximum likelihood, by name."""
    return {name: entry for name, entry in agents().items() if entry.method == "likelihood"}


def named_fits() -> dict[str, NamedFit]:
    """All that can be fitted, by name, in the order of the list."""
    found: dict[str, NamedFit] = {}
    for entry in CATALOGUE:
        fits: Mapping[str, Target] = (
            entry.fits if entry.fits is not None else {entry.name: "choice"}
        )
        found |= {name: NamedFit(name, entry, target) for name, target in fits.items()}
    return found


def find_agent(text: str) -> ModelEntry:
    """The agent of that name or label. Raises ConfigError, with near matches, for any other."""
    known = agents()
    spellings = {(entry.name, entry.label): name for name, entry in known.items()}
    return known[_found(text, spellings, "simulated without a fit")]


def find_fit(text: str) -> NamedFit:
    """The fit of that name or label; a model's own name or label stands for its first fit.

    Raises ConfigError, with near matches, for any other.
    """
    known = named_fits()
    spellings: dict[tuple[str, ...], str] = {(n, fit.label): n for n, fit in known.items()}
    for name, fit in known.items():
        entry = fit.model
        spellings.setdefault((entry.name, entry.label), name)
        spellings.setdefault((f"{entry.name}_{fit.target}",), name)
    return known[_found(text, spellings, "fitted")]


def find_name(text: str, names: Iterable[str]) -> str | None:
    """Which of these names (of the models of a run, say) the text means: a name or its label.

    Capitals, spaces and hyphens do not count. None where it is none of them.
    """
    names = list(names)
    return _by_spelling({(name, label_of(name)): name for name in names}).get(plain(text))


def label_of(name: str) -> str:
    """What figures and tables print for a model or fit of that name; unknown names as they are."""
    fit = named_fits().get(name)
    if fit is not None:
        return fit.label
    return next((entry.label for entry in CATALOGUE if entry.name == name), name)


def plain(text: str) -> str:
    """`disRNN` as `disrnn`, `Q-learning` as `q_learning`: names without capitals and marks."""
    return re.sub(r"[^a-z0-9]+", "_", text.casefold()).strip("_")


def _by_spelling(spellings: Mapping[tuple[str, ...], str]) -> dict[str, str]:
    """Name by plain spelling; the first name with a spelling has it."""
    found: dict[str, str] = {}
    for several, name in spellings.items():
        for spelling in several:
            found.setdefault(plain(spelling), name)
    return found


def _found(text: str, spellings: Mapping[tuple[str, ...], str], done: str) -> str:
    """The name that `text` spells. done: what the model is wanted for, for the message."""
    known = _by_spelling(spellings)
    if plain(text) in known:
        return known[plain(text)]
    near = [known[match] for match in difflib.get_close_matches(plain(text), known, 2)]
    hint = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    listed = any(plain(text) in (plain(e.name), plain(e.label)) for e in CATALOGUE)
    what = f"The model {text} cannot be {done}." if listed else f"There is no model {text!r}.{hint}"
    names = ", ".join(dict.fromkeys(spellings.values()))
    raise ConfigError(f"{what} The models that can be {done}: {names}.")
