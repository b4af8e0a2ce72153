"""Every choice that a user makes about a fit: one tree that is API, TOML file and command line."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Literal

from ...errors import ConfigError, expect, expect_whole
from ...fit.disrnn.config import PenaltyPathConfig, RecipeConfig, SelectionConfig
from ...fit.gru.config import GRUConfig
from ...io.tables.format import TableFormat
from ...models.catalogue import find_fit, named_fits
from ...scoring.counting import Count
from ..options import FLAT, Names

MODELS = Names(named_fits, "MODEL")
FREE = Names(
    lambda: ("side_bias", "perseveration", "perseveration_rate", "negative_learning_rate",
             "forgetting_rate", "fallacy_rate"),
    "PARAMETER",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class SplitConfig:
    """Which sessions are held out. Sessions are ordered by subject, then by session."""

    every: int = 2
    """Hold out every n-th session: 2 fits the first, third, fifth, ... and scores the others.
    0 holds out none (as with a single session): scores are then those of the fitted sessions."""
    count: Count = "within-subject"
    """What every and folds count: the sessions within each subject, all sessions in order of
    subject and session (as version 0.1.0 did for every), or whole subjects. Within subject, one
    with too few sessions is fitted only; where all have too few, all sessions are counted."""
    test_sessions: tuple[str, ...] = ()
    """Hold out these sessions instead, each as subject/session."""
    test_subjects: tuple[str, ...] = ()
    """Hold out all sessions of these subjects instead."""
    folds: int = 0
    """Hold out one of this many folds instead; 0 for none. As many folds as subjects, with count
    subjects, leave one subject out."""
    fold: int = 0
    """Number of the fold to hold out (with folds), from 0."""
    seed: int | None = None
    """Seed that draws which sessions each fold holds; by default that of the run."""

    def __post_init__(self) -> None:
        ways = ("test_sessions", "test_subjects", "folds")
        named = [name for name in ways if getattr(self, name)]
        if len(named) > 1:
            raise ConfigError(
                f"The split has both {' and '.join(f'split.{name}' for name in named)}: each says "
                "by itself which sessions are held out. Give one of them."
            )


PARTS = {
    "table": TableFormat, "split": SplitConfig, "recipe": RecipeConfig,
    "selection": SelectionConfig, "path": PenaltyPathConfig, "gru": GRUConfig,
}  # fmt: skip
"""What each part of a FitConfig is."""


@dataclasses.dataclass(frozen=True)
class FitConfig:
    """A whole fit: table, held-out sessions, models and how each is trained."""

    table: Annotated[TableFormat, FLAT] = dataclasses.field(default_factory=TableFormat)
    """Columns of the table."""
    split: SplitConfig = dataclasses.field(default_factory=SplitConfig)
    """Which sessions are held out."""
    recipe: Annotated[RecipeConfig, FLAT] = dataclasses.field(default_factory=RecipeConfig)
    """How the disRNN is fitted."""
    selection: SelectionConfig = dataclasses.field(default_factory=SelectionConfig)
    """How the disRNN's penalties are chosen inside the training sessions, where you give none."""
    path: PenaltyPathConfig = dataclasses.field(default_factory=PenaltyPathConfig)
    """Search for one factor of all penalties."""
    gru: GRUConfig = dataclasses.field(default_factory=GRUConfig)
    """How the GRU is fitted, where it is among the models."""
    models: Annotated[tuple[str, ...], MODELS] = (
        "disrnn", "dfq_choice", "dfq_signal", "naive",
    )  # fmt: skip
    """Models to fit and compare, by name or as figures print them."""
    animals: Literal["auto", "pooled", "separate", "hierarchical"] = "auto"
    """Parameters of cognitive models, and means of the naive baseline: pooled, one set for all
    animals; separate, each animal fitted by itself; hierarchical, each animal under the group that
    all come from (empirical Bayes). auto: hierarchical from three animals on, pooled before."""
    free: Annotated[tuple[str, ...], FREE] = ()
    """Further parameters of cognitive models that are fitted to choices, where they can have them:
    side_bias and perseveration (perseveration_rate too: its trace lasts more than one choice)
    beside any model, negative_learning_rate, forgetting_rate or fallacy_rate of some."""
    contrast: str | None = None
    """Column under which conditions sessions were (drug, cohort, genotype, stage): which parameters
    of the cognitive models differ between its two levels, by how much, in how many animals. Within
    animals where they have both levels, otherwise between animals; over all sessions."""
    contrast_levels: tuple[str, ...] = ()
    """The two levels that contrast compares, the reference first. Default: saline, vehicle, wt and
    the like are the reference, or else the first in order."""
    leave_out: Literal["none", "session", "animal"] = "none"
    """Fit each cognitive model again without each session, or each animal, and score what was left
    out: over all sessions, at the level of animals. Beside the comparison, which has the split's
    held-out sessions; networks are not fitted again (see split.folds)."""
    probabilities: tuple[str, ...] = ()
    """Columns (or numbers) of the probability of a reward after each choice, for the posterior
    predictive check; by default reward_probability_0, ... where the table has them."""
    signal_scale: Literal["all", "none"] = "all"
    """Without effect: models predict signals in the table's unit. In a run of 0.1.0 it says whether
    its models predict standardised ones."""
    seed: int = 0
    """Seed of all randomness."""
    seeds: int = 4
    """With penalties of your own: how many disRNNs to fit, from different starts; the one with the
    lowest loss is kept. Otherwise see selection.starts."""
    resamples: int = 2000
    """Resamples behind the standard deviation in each 95 % interval."""
    unit: Literal["auto", "animal", "session"] = "auto"
    """What 95 % intervals of scores and differences take as independent: animals, or sessions of
    these animals. auto: animals from three on, sessions before."""
    only_subjects: tuple[str, ...] = ()
    """Fit and score the sessions of these subjects alone; by default those of all in the table."""
    figures: bool = True
    """Draw figures, which takes half a minute; all other results are the same without."""

    def __post_init__(self) -> None:
        for name, kind in PARTS.items():
            expect(getattr(self, name), kind, name, f"Give {kind.__name__}(...).")
        for name in ("seed", "seeds", "resamples"):
            expect_whole(getattr(self, name), name)
        if isinstance(self.models, str):  # a single one
            object.__setattr__(self, "models", (self.models,))
        if self.seeds < 1:
            raise ConfigError(f"seeds is {self.seeds}; it must be at least 1.")
        if self.resamples < 1:
            raise ConfigError(f"resamples is {self.resamples}; it must be at least 1.")
        if not self.models:
            raise ConfigError("models is empty; name at least one.")
        for kind in self.models:
            if not isinstance(kind, str):
                raise ConfigError(
                    f"models holds {getattr(kind, '__name__', repr(kind))}, which is no name. A "
                    "run fits models of the package, by name; fit one of your own with "
                    "fit_maximum_likelihood, and compare it with those of a run (docs/models.md)."
                )
        if unknown := [name for name in self.free if name not in FREE.known()]:
            raise ConfigError(
                f"No parameter {unknown[0]!r} may be free; there are {', '.join(FREE.known())}."
            )
        if self.contrast_levels and self.contrast is None:
            raise ConfigError(
                "contrast_levels names levels of no column. Name it too: --contrast COLUMN."
            )
        names = dict.fromkeys(find_fit(text).name for text in self.models)
        object.__setattr__(self, "models", tuple(names))  # as the catalogue spells them
