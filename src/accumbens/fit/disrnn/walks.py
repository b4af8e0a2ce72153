"""The paths of a selection: along each route one without each fold of the trials, and along the
best route one of all trials.

A route is a share of the best cognitive model, the numbers that describe a subject, a start, and
the latents that may be used.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path as FilePath

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray, PyTree

from ...models.disrnn import open_latents
from ...progress.base import Progress
from ...progress.threads import in_threads
from ...trials import Trials
from ..folds import TOLERANCE, expected_after_all, folds_of, paired_difference, without
from .candidates import HOPELESS, Candidate, Route, best_candidate, most_shrunk
from .config import FIRST_CANDIDATE, RecipeConfig, SelectionConfig
from .guides import best_guide, subjects_can_be_told_apart
from .paths import STEPS_PER_CHECKPOINT, Path, least, rising, score, strength
from .preparation import initial_disrnn, longest_first, with_unseen_subjects
from .shrinkage import SoftChoices, soft_targets
from .walked import Walked, joined, read_walked, write_walked

GIVE_UP = 0.01
"""A path ends when its held-out likelihood is so many nats per trial below its own best."""
BEHIND = 0.003
"""After `JUDGED_FROM` steps, it also ends when its best is so many below another route's."""
JUDGED_FROM = 900


class Walks:
    """What all paths of a selection share, and where they have led."""

    def __init__(
        self, trials: Trials, recipe: RecipeConfig, config: SelectionConfig, key: PRNGKeyArray,
        progress: Progress, checkpoints: FilePath | None, identity: str,
    ) -> None:  # fmt: skip
        self.trials, self.recipe, self.config, self.key = trials, recipe, config, key
        self.progress, self.checkpoints, self.identity = progress, checkpoints, identity
        self.folds = folds_of(trials, config.folds)
        with progress.task("disrnn selection: cognitive models"):
            self.guide = best_guide(
                trials, self.folds, key=jax.random.fold_in(key, 1), guides=config.guides
            )
        self.batch = trials.select_signals(()).batch()
        self.on_device = jax.tree.map(jnp.asarray, self.batch)
        self.n = max(int(trials.scored.sum()), 1)
        nothing = np.zeros(trials.choice.shape, bool)
        self.held_out = [*self.folds, nothing]
        self.counted = [jnp.asarray(np.stack([out, ~out])) for out in self.held_out]
        self.walked: dict[Route, Walked] = {}
        self.chosen = self._route(config.shares[0])

    def explore(self) -> None:
        """Walks each share from the first start; an embedding with the chosen share, if it is to be
        tried; the better of the two from every other start; the best of these with all trials.

        The share that is chosen is the largest within one standard error of the best: a network
        goes beyond the best cognitive model where held-out trials show that it should. Animals are
        told apart where that is better by more than `TOLERANCE`. Other starts are walked unless the
        share is 1: those targets hold no noise, and starts lead to the same.
        """
        given, tried = self.recipe.disrnn.subject_embedding, self.config.embedding
        routes = [self._route(share) for share in self.config.shares]
        for route in routes:
            self._walk_folds(route)
        best = self._most_shrunk(routes)
        if tried and not given and subjects_can_be_told_apart(self.trials):
            apart = best._replace(embedding=tried)
            self._walk_folds(apart)
            gained = self.best_along(apart).expected - self.best_along(best).expected
            best = apart if gained > TOLERANCE else best
        n_starts = 1 if best.share == 1 else self.config.starts
        routes = [best._replace(start=start) for start in range(n_starts)]
        for route in routes[1:]:
            self._walk_folds(route)
        self.chosen = self._best_of(routes)
        folds = self.walked[self.chosen]
        self.walked[self.chosen] = joined(
            folds, self._walk_everything(self.chosen, len(folds.scores))
        )

    def explore_fewer(self, than: Candidate) -> Route | None:
        """Walks the same route with one latent less than a candidate has open; returns that route.

        A path closes latents one at a time, and what it has divided between two it may be unable
        to bring together on the way. So fewer are given from the start. All trials come first:
        None where the fit to them is hopelessly worse.
        """
        assert than.n_open is not None
        route = than.route._replace(latents=than.n_open - 1)
        whole = self._walk_everything(route, self.config.steps // STEPS_PER_CHECKPOINT)
        before = self.walked[than.route].scores[than.step // STEPS_PER_CHECKPOINT - 1, -1, 1].sum()
        first = FIRST_CANDIDATE // STEPS_PER_CHECKPOINT - 1
        fitted = max(float(x[0, 1].sum()) for x in whole.scores[first:])
        if fitted < before - HOPELESS * self.n:
            return None
        folds = self._walk(route, range(len(self.folds)), "folds", lambda _: False)
        self.walked[route] = joined(folds, whole)
        return route

    def candidates(self) -> list[Candidate]:
        """Every checkpoint of these paths, in order of route and step."""
        return [c for route in sorted(self.walked) for c in self.along(route)]

    def along(self, route: Route) -> list[Candidate]:
        """Every checkpoint along a route."""
        return self._of_route(route, self.walked[route])

    def best_along(self, route: Route) -> Candidate:
        """The best checkpoint along a route."""
        candidates = self.along(route)
        return candidates[best_candidate(candidates)]

    def _route(self, share: float) -> Route:
        """With everything else as the user gave it."""
        architecture = self.recipe.disrnn
        return Route(share, architecture.subject_embedding, 0, architecture.latents)

    def _best_of(self, routes: list[Route]) -> Route:
        return max(routes, key=lambda route: self.best_along(route).expected)

    def _most_shrunk(self, routes: list[Route]) -> Route:
        bests = [self.best_along(route) for route in routes]
        taken = most_shrunk(
            [route.share for route in routes], [best.expected for best in bests],
            [self._held_out(best) for best in bests], self.trials.scored.sum(1),
        )  # fmt: skip
        return routes[taken]

    def standard_errors(self, reference: Candidate) -> list[float]:
        """Of the paired difference of each candidate from this one, in nats per held-out trial."""
        n_scored = self.trials.scored.sum(1)
        of_reference = self._held_out(reference)
        return [
            paired_difference(of_reference, self._held_out(c), n_scored)[1]
            for c in self.candidates()
        ]

    def _held_out(self, candidate: Candidate) -> Float[np.ndarray, " session"]:
        """Log likelihood (nats) of each session's trials under the fits that did not see them."""
        at = candidate.step // STEPS_PER_CHECKPOINT - 1
        return self.walked[candidate.route].scores[at, : len(self.folds), 0].sum(0)

    def paths(self, route: Route, folds: Sequence[int]) -> list[Path]:
        """The beginnings of these folds' paths along a route; the last fold holds nothing out."""
        _, embedding, start, latents = route
        architecture = dataclasses.replace(self.recipe.disrnn, subject_embedding=embedding)
        key = jax.random.fold_in(self.key, 1000 * start)
        model = initial_disrnn(self.trials.select_signals(()), architecture, key)
        paths = [
            Path.beginning(
                model, self._data(route, fold),
                jax.random.fold_in(self.key, 1000 * start + fold + 2),
            )
            for fold in folds
        ]  # fmt: skip
        fewer = latents < architecture.latents
        return [path.with_latents(latents) for path in paths] if fewer else paths

    def scores(
        self, paths: list[Path], folds: Sequence[int]
    ) -> Float[np.ndarray, "fold part session"]:
        """Log likelihood of each session's trials that each fold held out, and of the others."""
        return np.stack([
            score(
                with_unseen_subjects(path.model, path.data.batch), self.on_device,
                self.counted[fold],
            )
            for path, fold in zip(paths, folds, strict=True)
        ])  # fmt: skip

    def _walk_folds(self, route: Route) -> None:
        """The checkpoints along a route without each fold."""
        best = max((c.expected for c in self.candidates()), default=-np.inf)
        first = FIRST_CANDIDATE // STEPS_PER_CHECKPOINT - 1

        def hopeless(scores: list[np.ndarray]) -> bool:
            mean = [float(x[:, 0].sum() / self.n) for x in scores[first:]]
            if not mean:
                return False
            late = len(scores) * STEPS_PER_CHECKPOINT >= JUDGED_FROM
            return mean[-1] < max(mean) - GIVE_UP or (late and max(mean) < best - BEHIND)

        self.walked[route] = self._walk(route, range(len(self.folds)), "folds", hopeless)

    def _walk_everything(self, route: Route, n_checkpoints: int) -> Walked:
        """So many checkpoints along a route with all trials."""
        return self._walk(
            route, [len(self.folds)], "all", lambda scores: len(scores) == n_checkpoints
        )

    def _walk(
        self, route: Route, folds: Sequence[int], name: str,
        ends: Callable[[list[np.ndarray]], bool],
    ) -> Walked:  # fmt: skip
        """The checkpoints of these folds' paths, read from disk where they were walked before.

        ends: whether to stop early, given the scores of all checkpoints so far.
        """
        file = None
        if self.checkpoints is not None:
            of_route = "-".join(f"{x:g}" for x in route)
            file = self.checkpoints / f"selection-{of_route}-{name}.safetensors"
        paths = self.paths(route, folds)
        if file is not None and (kept := read_walked(file, self.identity, paths[0].average)):
            return kept
        scale = strength(route.share, self.n)
        n_checkpoints = self.config.steps // STEPS_PER_CHECKPOINT
        averages: list[list[PyTree]] = []
        scores: list[np.ndarray] = []
        described = f"share {route.share:g}, embedding {route.embedding}, start {route.start}"
        if route.latents < self.recipe.disrnn.latents:
            described += f", latents {route.latents}"

        def advance(path: Path) -> None:
            path.advance(schedule, self.recipe.penalties)

        label = f"disrnn selection: {described}, {name}"
        with self.progress.task(label, n_checkpoints * STEPS_PER_CHECKPOINT) as task:
            for i in range(n_checkpoints):
                steps = i * STEPS_PER_CHECKPOINT + np.arange(STEPS_PER_CHECKPOINT)
                schedule = rising(steps, self.config.steps, scale, least(route.share))
                in_threads(advance, paths)
                averages.append([path.average for path in paths])
                scores.append(self.scores(paths, folds))
                part = 0 if name == "folds" else 1
                nll = -float(scores[-1][:, part].sum() / self.n)
                task.update((i + 1) * STEPS_PER_CHECKPOINT, terms={"choice_nll": nll})
                if ends(scores):
                    break
        n_open = [[len(open_latents(p.model)) for p in placed(paths, a)] for a in averages]
        walked = Walked(averages, np.stack(scores), np.array(n_open))
        if file is not None:
            write_walked(file, self.identity, walked)
        return walked

    def _of_route(self, route: Route, walked: Walked) -> list[Candidate]:
        k, scale, candidates = len(self.folds), strength(route.share, self.n), []
        for i, scores in enumerate(walked.scores):
            step = (i + 1) * STEPS_PER_CHECKPOINT
            held_out = float(scores[:k, 0].sum() / self.n)
            fitted = float(scores[:k, 1].sum() / (self.n * (k - 1)))
            steps = np.array([step - 1])
            there = rising(steps, self.config.steps, scale, least(route.share))
            factor = float(there.factor[0])
            n_open = [int(n) for n in walked.n_open[i]]
            candidates.append(
                Candidate(
                    route, step, factor, held_out, fitted, expected_after_all(held_out, fitted, k),
                    n_open[k] if len(n_open) > k else None, tuple(n_open[:k]),
                )
            )  # fmt: skip
        return candidates

    def _data(self, route: Route, fold: int) -> SoftChoices:
        """Targets of this fold's guide; nothing is fitted to what the fold holds out."""
        guide = self.guide.models_for(route.embedding)[fold]
        target = soft_targets(self.trials, guide, route.share)
        batch = without(self.batch, self.held_out[fold])
        order = np.asarray(longest_first(batch._replace(subject=np.arange(len(target)))).subject)
        return jax.tree.map(
            lambda x: jnp.asarray(np.asarray(x)[order]), SoftChoices(batch, jnp.asarray(target))
        )


def placed(paths: list[Path], averages: list[PyTree]) -> list[Path]:
    """The same paths at other weights."""
    return [
        dataclasses.replace(path, average=average)
        for path, average in zip(paths, averages, strict=True)
    ]
