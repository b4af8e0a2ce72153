"""The paths of a selection: along each route one without each fold of the trials, and along the
best route one of all trials.

A route is a share of the best cognitive model, the numbers that describe a subject, a start, and
the latents that may be used.
"""

from __future__ import annotations

import dataclasses
import itertools
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
from ..folds import TOLERANCE, folds_of, paired_difference, without
from ..gradient.batches import mini_batches
from .candidates import HOPELESS, Candidate, Route, best_candidate, most_shrunk
from .config import RecipeConfig, SelectionConfig
from .guides import best_guide, subjects_can_be_told_apart
from .histories import made_histories, n_made
from .paths import STEPS_PER_CHECKPOINT, Path, least, rising, score, strength
from .preparation import initial_disrnn, longest_first, with_unseen_subjects
from .shrinkage import SoftChoices, soft_targets
from .stopping import FIRST, is_hopeless, is_past_its_best
from .walked import Walked, candidates_along, joined, read_walked, write_walked

Ends = Callable[[Walked], bool]
"""Whether to stop early, given all checkpoints so far."""
MADE = 999
"""Number of the key that makes histories."""


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
        self.n_made = n_made(trials, config.histories)
        self.on_device = jax.tree.map(jnp.asarray, self.batch)
        self.n = max(int(trials.scored.sum()), 1)
        nothing = np.zeros(trials.choice.shape, bool)
        self.held_out = [*self.folds, nothing]
        self.counted = [jnp.asarray(np.stack([out, ~out])) for out in self.held_out]
        self.n_checkpoints = config.steps // STEPS_PER_CHECKPOINT
        self.every_fold = range(len(self.folds))
        self.walked: dict[Route, Walked] = {}
        self.of_all: dict[Route, Walked] = {}
        self.chosen = self._route(config.shares[0])

    def explore(self) -> None:
        """Walks each share from the first start; an embedding with the chosen share, if it is to be
        tried; the better of the two from every other start; the best of these with all trials.

        The share that is chosen is the largest within one standard error of the best: a network
        goes beyond the best cognitive model where held-out trials show that it should. Animals are
        told apart where that is better by more than `TOLERANCE`. Other starts are walked unless the
        share is 1: those targets hold no noise, and starts lead to the same.

        A path that is past its best, and would not be chosen for it, ends.
        """
        given, tried = self.recipe.disrnn.subject_embedding, self.config.embedding
        routes = [self._route(share) for share in sorted(self.config.shares, reverse=True)]
        for i, route in enumerate(routes):
            self._walk_folds(route, routes[:i], self._standard_error)
        best = self._most_shrunk(routes)
        if tried and not given and subjects_can_be_told_apart(self.trials):
            apart = best._replace(embedding=tried)
            self._walk_folds(apart, [best], lambda *_: TOLERANCE)
            gained = self.best_along(apart).expected - self.best_along(best).expected
            best = apart if gained > TOLERANCE else best
        n_starts = 1 if best.share == 1 else self.config.starts
        routes = [best._replace(start=start) for start in range(n_starts)]
        for i, route in enumerate(routes[1:], 1):
            self._walk_folds(route, routes[:i], lambda *_: 0.0)
        self.chosen = self._best_of(routes)
        if self._cut_short(self.chosen):
            self.walked[self.chosen] = self._walk(self.chosen, self.every_fold, "folds again")
        folds = self.walked[self.chosen]
        self._walk_everything({self.chosen: len(folds.scores)} | self._likely_fewer(folds))
        self.walked[self.chosen] = joined(folds, self.of_all[self.chosen])

    def begin_fewer(self, than: Candidate, latents: Sequence[int]) -> list[Route]:
        """Walks the same route as a candidate's with so many latents from the start, with all
        trials; returns those routes, up to the first whose fit is hopelessly worse.

        A path closes latents one at a time, and what it has divided between two it may be unable
        to bring together on the way. So fewer are given from the start.
        """
        routes = [than.route._replace(latents=n) for n in latents]
        self._walk_everything(dict.fromkeys(routes, self.n_checkpoints))
        before = self.walked[than.route].scores[than.step // STEPS_PER_CHECKPOINT - 1, -1, 1].sum()

        def hopeless(route: Route) -> bool:
            fitted = max(float(x[0, 1].sum()) for x in self.of_all[route].scores[FIRST:])
            return bool(fitted < before - HOPELESS * self.n)

        return list(itertools.takewhile(lambda route: not hopeless(route), routes))

    def finish_fewer(self, route: Route) -> None:
        """Walks a route that was begun without each fold, too."""
        folds = self._walk(route, self.every_fold, "folds")
        self.walked[route] = joined(folds, self.of_all[route])

    def _likely_fewer(self, folds: Walked) -> dict[Route, int]:
        """With one latent less than most folds have open at last. It is likely to be asked for, and
        a path alone would leave cores idle."""
        latents = int(np.median(folds.n_open[-1])) - 1
        fewer = self.chosen._replace(latents=latents)
        return {fewer: self.n_checkpoints} if latents > 0 else {}

    def scale(self, route: Route) -> float:
        """What multiplies all penalties along a route."""
        return strength(route.share, self.n)

    def candidates(self) -> list[Candidate]:
        """Every checkpoint of these paths, in order of route and step."""
        return [c for route in sorted(self.walked) for c in self.along(route)]

    def along(self, route: Route) -> list[Candidate]:
        """Every checkpoint along a route."""
        return self._candidates(route, self.walked[route])

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

    def _held_out(
        self, candidate: Candidate, so_far: Walked | None = None
    ) -> Float[np.ndarray, " session"]:
        """Log likelihood (nats) of each session's trials under the fits that did not see them."""
        walked = self.walked[candidate.route] if so_far is None else so_far
        at = candidate.step // STEPS_PER_CHECKPOINT - 1
        return walked.scores[at, : len(self.folds), 0].sum(0)

    def _standard_error(self, better, other) -> float:
        """Of the difference per trial (nats) of two fits, given each session's log likelihood."""
        return paired_difference(better, other, self.trials.scored.sum(1))[1]

    def _candidates(self, route: Route, walked: Walked) -> list[Candidate]:
        return candidates_along(route, walked, len(self.folds), self.n, self.config.steps)

    def _cut_short(self, route: Route) -> bool:
        """Whether a route ended because it would not be chosen."""
        along = self.along(route)
        hopeless = is_hopeless([c.held_out for c in along], -np.inf)
        return len(along) < self.n_checkpoints and not hopeless

    def paths(self, route: Route, folds: Sequence[int]) -> list[Path]:
        """The beginnings of these folds' paths along a route; the last fold holds nothing out."""
        _, embedding, start, latents = route
        architecture = dataclasses.replace(self.recipe.disrnn, subject_embedding=embedding)
        key = jax.random.fold_in(self.key, 1000 * start)
        model = initial_disrnn(self.trials.select_signals(()), architecture, key)
        paths = []
        for fold in folds:
            data = self._data(route, fold)
            own = jax.random.fold_in(self.key, 1000 * start + fold + 2)
            batches = mini_batches(data.batch, self.recipe.trials_per_step, key=own)
            paths.append(Path.beginning(model, data, own, batches))
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

    def _walk_folds(
        self, route: Route, others: Sequence[Route] = (),
        margin: Callable[..., float] = lambda *_: 0.0,
    ) -> None:  # fmt: skip
        """The checkpoints along a route without each fold.

        It ends where it is past its best, and that is better than the best of the others by no more
        than a margin: a function of each session's log likelihood under the two.
        """
        best = max((c.expected for c in self.candidates()), default=-np.inf)
        rival = max(
            (self.best_along(other) for other in others), key=lambda c: c.expected, default=None
        )

        def ends(so_far: Walked) -> bool:
            along = self._candidates(route, so_far)
            if is_hopeless([c.held_out for c in along], best):
                return True
            if rival is None or not is_past_its_best([c.expected for c in along]):
                return False
            mine = along[best_candidate(along)]
            allowed = margin(self._held_out(rival), self._held_out(mine, so_far))
            return mine.expected <= rival.expected + allowed

        self.walked[route] = self._walk(route, self.every_fold, "folds", ends)

    def _walk_everything(self, routes: dict[Route, int]) -> None:
        """So many checkpoints along each of these routes with all trials, side by side."""
        part = self.progress.within("")

        def walk(route: Route) -> Walked:
            if route in self.of_all:
                return self.of_all[route]
            n = routes[route]
            return self._walk(
                route, [len(self.folds)], "all", lambda so_far: len(so_far.scores) >= n, part
            )

        self.of_all |= dict(zip(routes, in_threads(walk, routes, progress=part), strict=True))

    def _walk(
        self, route: Route, folds: Sequence[int], name: str,
        ends: Ends = lambda _: False, progress: Progress | None = None,
    ) -> Walked:  # fmt: skip
        """The checkpoints of these folds' paths, read from disk where they were walked before."""
        file = None
        if self.checkpoints is not None:
            of_route = "-".join(f"{x:g}" for x in route)
            file = self.checkpoints / f"selection-{of_route}-{name.replace(' ', '-')}.safetensors"
        paths = self.paths(route, folds)
        if file is not None and (kept := read_walked(file, self.identity, paths[0].average)):
            return kept
        scale = self.scale(route)
        averages: list[list[PyTree]] = []
        scores: list[np.ndarray] = []
        n_open: list[list[int]] = []
        described = f"share {route.share:g}, embedding {route.embedding}, start {route.start}"
        if route.latents < self.recipe.disrnn.latents:
            described += f", latents {route.latents}"

        def advance(path: Path) -> None:
            path.advance(schedule, self.recipe.penalties)

        label = f"disrnn selection: {described}, {name}"
        n_steps = self.n_checkpoints * STEPS_PER_CHECKPOINT
        with (progress or self.progress).task(label, n_steps) as task:
            for i in range(self.n_checkpoints):
                steps = i * STEPS_PER_CHECKPOINT + np.arange(STEPS_PER_CHECKPOINT)
                schedule = rising(steps, self.config.steps, scale, least(route.share))
                in_threads(advance, paths)
                averages.append([path.average for path in paths])
                scores.append(self.scores(paths, folds))
                n_open.append([len(open_latents(path.model)) for path in paths])
                part = 1 if name == "all" else 0
                nll = -float(scores[-1][:, part].sum() / self.n)
                task.update((i + 1) * STEPS_PER_CHECKPOINT, terms={"choice_nll": nll})
                walked = Walked(averages, np.stack(scores), np.array(n_open))
                if ends(walked):
                    break
        if file is not None:
            write_walked(file, self.identity, walked)
        return walked

    def _data(self, route: Route, fold: int) -> SoftChoices:
        """Targets of this fold's guide; nothing is fitted to what the fold holds out."""
        guide = self.guide.models_for(route.embedding)[fold]
        target = soft_targets(self.trials, guide, route.share)
        batch = without(self.batch, self.held_out[fold])
        if route.share == 1 and self.n_made:
            key = jax.random.fold_in(self.key, MADE)
            made = made_histories(self.trials, ~self.held_out[fold], self.n_made, key)
            more = made.select_signals(()).batch()
            batch = jax.tree.map(lambda *x: np.concatenate(x), batch, more)
            target = np.concatenate([target, soft_targets(made, guide, 1.0)])
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
