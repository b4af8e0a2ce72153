"""A disRNN whose penalties, stopping, start and share of the best cognitive model are chosen inside
the sessions it is fitted to.

One path is one model under rising penalties (see `paths`); its checkpoints are the candidates.
Paths differ in their start and in the share of the best cognitive model in their targets (see
`shrinkage`). Each is run without each fold of the trials, and on all of them. Candidates are
compared by the log likelihood of what was held out, and the model that is kept lies on the path
that was fitted to everything.

Strong penalties find the structure but blur what stays open. So the chosen candidate is relaxed:
what is closed stays closed, the penalties of the rest fall, and the held-out trials, relaxed in the
same way, say how far.
"""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path as FilePath
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray, PyTree

from ...models.disrnn import DisRNN, Penalties, in_order, open_latents
from ...progress.base import Progress
from ...trials import Trials
from .candidates import (
    FIRST_CANDIDATE,
    TOLERANCE,
    Candidate,
    SelectionConfig,
    best_candidate,
    expected_after_all,
    folds_of,
    paired_difference,
    simplest_first,
)
from .paths import L2, STEPS_PER_CHECKPOINT, Path, relaxing, rising, score, strength
from .preparation import initial_disrnn, longest_first
from .recipe import RecipeConfig
from .shrinkage import Guide, SoftChoices, best_guide, soft_targets
from .walked import Walked, read_walked, write_walked

GIVE_UP = 0.01
"""A path ends when its held-out likelihood is so many nats per trial below its own best."""


class Selection(NamedTuple):
    """The chosen model, fitted to all trials (signals are not fitted yet), and how it was chosen.

    candidates: all of them, in order of share, start and step; chosen: index of the one taken.
    guide: the best cognitive model. held_out: log likelihood per trial (nats) of the trials that
    folds held out, after relaxing. relaxed: steps of relaxing that were kept.
    penalties: those of the chosen candidate. seconds: by part.
    """

    model: DisRNN
    candidates: list[Candidate]
    chosen: int
    guide: Guide
    held_out: float
    relaxed: int
    penalties: Penalties
    seconds: dict[str, float]

    @property
    def candidate(self) -> Candidate:
        """The one that was taken."""
        return self.candidates[self.chosen]


def select_disrnn(
    trials: Trials,
    recipe: RecipeConfig,
    config: SelectionConfig | None = None,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    checkpoints: FilePath | None = None,
    identity: str = "",
) -> Selection:
    """A disRNN for the choices of all sessions of `trials`, chosen by what is held out among them.

    The candidate with the highest held-out likelihood, as expected after fitting all trials; then,
    on its path, the one with the fewest open latents that predicts as well after relaxing.

    recipe: architecture, and the penalties that a factor of 1 means. key: of starts and noise.
    checkpoints: folder for what was reached, so that a killed selection goes on; identity: of data
    and options, so that it goes on with its own.
    """
    config, began = config or SelectionConfig(), time.monotonic()
    work = _Work(trials, recipe, config, key, progress or Progress(), checkpoints, identity)
    guided = time.monotonic()
    walks = {(share, 0): work.walk(share, 0) for share in config.shares}
    first = _candidates(trials, config, walks)
    share = first[best_candidate(first)].share
    walks |= {(share, start): work.walk(share, start) for start in range(1, config.starts)}
    candidates = _candidates(trials, config, dict(sorted(walks.items())))
    walked = time.monotonic()
    chosen, (model, held_out, relaxed) = work.simplest(candidates, walks)
    candidate = candidates[chosen]
    seconds = {
        "cognitive": guided - began, "paths": walked - guided,
        "relaxing": time.monotonic() - walked,
    }  # fmt: skip
    scaled = recipe.penalties.scaled(candidate.factor)
    return Selection(
        in_order(model), candidates, chosen, work.guide, held_out, relaxed,
        _with_l2(scaled, L2 * scaled.l2), seconds,
    )  # fmt: skip


class Relaxed(NamedTuple):
    """A candidate after relaxing: model, held-out log likelihood per trial (nats), steps kept."""

    model: DisRNN
    held_out: float
    steps: int


class _Work:
    """What all paths of a selection share."""

    def __init__(
        self, trials: Trials, recipe: RecipeConfig, config: SelectionConfig, key: PRNGKeyArray,
        progress: Progress, checkpoints: FilePath | None, identity: str,
    ) -> None:  # fmt: skip
        self.trials, self.recipe, self.config, self.key = trials, recipe, config, key
        self.progress, self.checkpoints, self.identity = progress, checkpoints, identity
        self.folds = folds_of(trials, config.folds)
        with progress.task("disrnn selection: cognitive models"):
            self.guide = best_guide(trials, self.folds, key=jax.random.fold_in(key, 1))
        choices_alone = trials.select_signals(())
        self.batch = choices_alone.batch()
        self.on_device = jax.tree.map(jnp.asarray, self.batch)
        self.n = max(int(trials.scored.sum()), 1)
        nothing = np.zeros(trials.choice.shape, bool)
        self.held_out = [*self.folds, nothing]
        self.counted = [jnp.asarray(np.stack([out, ~out])) for out in self.held_out]

    def walk(self, share: float, start: int) -> Walked:
        """The checkpoints of every fold's path with this share and start, then of all trials'."""
        file = None
        if self.checkpoints is not None:
            file = self.checkpoints / f"selection-{share:g}-{start}.safetensors"
        paths = self._paths(share, start)
        if file is not None and (kept := read_walked(file, self.identity, paths[0].average)):
            return kept
        scale = strength(share, self.n)
        n_checkpoints = self.config.steps // STEPS_PER_CHECKPOINT
        averages: list[list[PyTree]] = []
        scores: list[np.ndarray] = []
        label = f"disrnn selection: share {share:g}, start {start}"

        def advance(path: Path) -> None:
            path.advance(schedule, self.recipe.penalties)

        with self.progress.task(label, n_checkpoints * STEPS_PER_CHECKPOINT) as task:
            for i in range(n_checkpoints):
                steps = i * STEPS_PER_CHECKPOINT + np.arange(STEPS_PER_CHECKPOINT)
                schedule = rising(steps, self.config.steps, scale)
                _in_parallel(advance, paths)
                averages.append([path.average for path in paths])
                scores.append(self._scores(paths))
                task.update((i + 1) * STEPS_PER_CHECKPOINT, terms=self._terms(scores[-1]))
                if self._fell_behind(scores):
                    break
        n_open = [[len(open_latents(p.model)) for p in _with(paths, a)] for a in averages]
        walked = Walked(averages, np.stack(scores), np.array(n_open))
        if file is not None:
            write_walked(file, self.identity, walked)
        return walked

    def simplest(
        self, candidates: list[Candidate], walks: dict[tuple[float, int], Walked]
    ) -> tuple[int, Relaxed]:
        """The candidate with the fewest open latents that, relaxed, predicts held-out trials as
        well as the best (but for `TOLERANCE`); its number, and what relaxing made of it."""
        best = candidates[best_candidate(candidates)]
        for number in simplest_first(candidates):
            candidate = candidates[number]
            relaxed = self.relax(candidate, walks[candidate[:2]])
            if relaxed.held_out >= best.held_out - TOLERANCE:
                return number, relaxed
        number = best_candidate(candidates)
        return number, self.relax(best, walks[best[:2]])

    def relax(self, candidate: Candidate, walked: Walked) -> Relaxed:
        """What relaxing makes of a candidate."""
        at = candidate.step // STEPS_PER_CHECKPOINT - 1
        paths = _with(self._paths(candidate.share, candidate.start), walked.averages[at])
        paths = [path.closed_for_good(path.average) for path in paths]
        models, scores = [paths[-1].model], [self._scores(paths)]
        n_steps = self.config.relaxing

        def advance(path: Path) -> None:
            path.advance(schedule, self.recipe.penalties)

        with self.progress.task("disrnn selection: relaxing", n_steps) as task:
            for first in range(0, n_steps, STEPS_PER_CHECKPOINT):
                steps = first + np.arange(STEPS_PER_CHECKPOINT)
                schedule = relaxing(steps, n_steps, candidate.factor, candidate.step)
                _in_parallel(advance, paths)
                models.append(paths[-1].model)
                scores.append(self._scores(paths))
                task.update(min(first + STEPS_PER_CHECKPOINT, n_steps))
        held_out = [of_all[:-1, 0].sum(0) for of_all in scores]
        last = relaxed_as_far_as_it_helps(held_out, self.trials.scored.sum(1))
        steps = last * STEPS_PER_CHECKPOINT
        return Relaxed(models[last], float(held_out[last].sum() / self.n), steps)

    def _paths(self, share: float, start: int) -> list[Path]:
        model = initial_disrnn(
            self.trials.select_signals(()), self.recipe.disrnn,
            jax.random.fold_in(self.key, 1000 * start),
        )  # fmt: skip
        keys = [
            jax.random.fold_in(self.key, 1000 * start + fold + 2)
            for fold in range(len(self.held_out))
        ]
        return [
            Path.beginning(model, self._data(share, fold), keys[fold])
            for fold in range(len(self.held_out))
        ]

    def _data(self, share: float, fold: int) -> SoftChoices:
        """Targets of this fold's guide; nothing is fitted to what the fold holds out."""
        held_out, batch = self.held_out[fold], self.batch
        target = soft_targets(self.trials, self.guide.models[fold], share)
        gone = (held_out | ~batch.valid).all(1)
        batch = batch._replace(valid=batch.valid & ~gone[:, None], scored=batch.scored & ~held_out)
        order = np.asarray(longest_first(batch._replace(subject=np.arange(len(target)))).subject)
        return jax.tree.map(
            lambda x: jnp.asarray(np.asarray(x)[order]), SoftChoices(batch, jnp.asarray(target))
        )

    def _scores(self, paths: list[Path]) -> Float[np.ndarray, "fold part session"]:
        """Log likelihood of each session's trials that each fold held out, and of the others."""
        return np.stack([
            score(path.model, self.on_device, counted)
            for path, counted in zip(paths, self.counted, strict=True)
        ])  # fmt: skip

    def _terms(self, scores: Float[np.ndarray, "fold part session"]) -> dict[str, float]:
        return {"choice_nll": -float(scores[:-1, 0].sum() / self.n)}

    def _fell_behind(self, scores: list[np.ndarray]) -> bool:
        first = FIRST_CANDIDATE // STEPS_PER_CHECKPOINT - 1
        mean = [float(x[:-1, 0].sum() / self.n) for x in scores[first:]]
        return bool(mean) and mean[-1] < max(mean) - GIVE_UP


def relaxed_as_far_as_it_helps(
    held_out: list[Float[np.ndarray, " session"]], n_scored: Int[np.ndarray, " session"]
) -> int:
    """The last stop whose held-out log likelihood lies within one standard error of the best.

    held_out: of each session (nats), at each stop; the first is the model before. Returns its
    number.
    """
    best = max(held_out, key=lambda x: float(x.sum()))
    within = []
    for i, of_session in enumerate(held_out):
        below, error = paired_difference(best, of_session, n_scored)
        if below <= error:
            within.append(i)
    return within[-1]


def _candidates(
    trials: Trials, config: SelectionConfig, walks: dict[tuple[float, int], Walked]
) -> list[Candidate]:
    n = max(int(trials.scored.sum()), 1)
    candidates = []
    for (share, start), walked in walks.items():
        for i, scores in enumerate(walked.scores):
            step = (i + 1) * STEPS_PER_CHECKPOINT
            held_out = float(scores[:-1, 0].sum() / n)
            fitted = float(scores[:-1, 1].sum() / (n * (config.folds - 1)))
            last = np.array([step - 1])
            factor = float(rising(last, config.steps, strength(share, n)).factor[0])
            n_open = walked.n_open[i]
            candidates.append(
                Candidate(
                    share, start, step, factor, held_out, fitted,
                    expected_after_all(held_out, fitted, config.folds), int(n_open[-1]),
                    tuple(int(x) for x in n_open[:-1]),
                )
            )  # fmt: skip
    return candidates


def _with(paths: list[Path], averages: list[PyTree]) -> list[Path]:
    return [
        dataclasses.replace(path, average=average)
        for path, average in zip(paths, averages, strict=True)
    ]


def _in_parallel(work: Callable[[Path], None], paths: Iterable[Path]) -> None:
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(work, paths))


def _with_l2(penalties: Penalties, l2: float) -> Penalties:
    return dataclasses.replace(penalties, l2=l2)
