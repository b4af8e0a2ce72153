"""The candidate that was chosen on a part of the sessions, fitted to all of them.

Along the same route, with the penalties and for the steps that were chosen; then relaxed as far as
was chosen. What is closed stays closed. Steps see mini-batches, as large as the part, and are
divided among all devices where there are several.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from ...models.base import Model
from ...models.disrnn import DisRNN
from ...progress.base import Progress, Stopped
from ...trials import Trials
from ..gradient.batches import labelled, mini_batches
from ..gradient.checkpoints import SECONDS_BETWEEN_SAVES
from ..gradient.processes import steps_on_all_devices
from ..unfinished import read_arrays, refuse_other, write_arrays
from .candidates import Candidate
from .guides import guide_of_all
from .paths import (
    STEPS_PER_CHECKPOINT,
    Path,
    Schedule,
    least,
    path_steps,
    rising,
    steps_alone,
)
from .preparation import initial_disrnn
from .relaxing import Relaxed, schedules
from .shrinkage import SoftChoices, soft_targets
from .walks import Walks


def fitted_to_all(
    trials: Trials, walks: Walks, candidate: Candidate, relaxed: Relaxed, *,
    key: PRNGKeyArray, progress: Progress, checkpoints: FilePath | None, identity: str,
) -> DisRNN:  # fmt: skip
    """That candidate, relaxed in the same way, of all sessions of `trials`.

    walks, relaxed: of the part on which it was chosen. checkpoints, identity: as for
    `select_disrnn`; what was reached is kept every few seconds.
    """
    path = _beginning(trials, walks, candidate, key)
    stops = list(_schedules(walks, candidate, relaxed))
    file = None
    if checkpoints is not None:
        file = _Kept(checkpoints / "selection-all-sessions.safetensors", identity)
    first = 0
    if file is not None:
        path, first = file.load(path)
    n_steps = STEPS_PER_CHECKPOINT * len(stops)
    label = labelled("disrnn: all sessions", path.batches)
    with (
        steps_on_all_devices(path_steps, steps_alone) as steps,
        progress.task(label, n_steps) as task,
    ):
        for i in range(first, len(stops)):
            if i == candidate.step // STEPS_PER_CHECKPOINT:
                path = path.closed_for_good(path.average)
            path.advance(stops[i], walks.recipe.penalties, steps)
            try:
                task.update(STEPS_PER_CHECKPOINT * (i + 1))
            except Stopped:
                if file is not None:
                    file.save(path, i + 1)
                raise
            if file is not None:
                file.save_now_and_then(path, i + 1)
    if file is not None:
        file.save(path, len(stops))
    if len(stops) == candidate.step // STEPS_PER_CHECKPOINT:
        path = path.closed_for_good(path.average)
    return path.model


def _beginning(trials: Trials, walks: Walks, candidate: Candidate, key: PRNGKeyArray) -> Path:
    route = candidate.route
    choices = trials.select_signals(())
    architecture = dataclasses.replace(walks.recipe.disrnn, subject_embedding=route.embedding)
    guide: Model | None = None
    if route.share:
        guide = guide_of_all(walks.guide, trials, by_subject=bool(route.embedding), key=key)
    batch = choices.batch()
    target = jnp.asarray(soft_targets(trials, guide, route.share))
    data = SoftChoices(jax.tree.map(jnp.asarray, batch), target)
    start = jax.random.fold_in(key, 1000 * route.start)
    model = initial_disrnn(choices, architecture, start)
    own = jax.random.fold_in(start, 1)
    batches = mini_batches(batch, walks.recipe.trials_per_step, key=own)
    path = Path.beginning(model, data, own, batches)
    fewer = route.latents < architecture.latents
    return path.with_latents(route.latents) if fewer else path


def _schedules(walks: Walks, candidate: Candidate, relaxed: Relaxed) -> Iterator[Schedule]:
    """Of all steps, from one checkpoint to the next."""
    route = candidate.route
    for done in range(0, candidate.step, STEPS_PER_CHECKPOINT):
        steps = done + np.arange(STEPS_PER_CHECKPOINT)
        yield rising(steps, walks.config.steps, walks.scale(route), least(route.share))
    going_on = schedules(
        route, candidate.factor, candidate.step, walks.config.relaxing, longer=True
    )
    for _, schedule in zip(range(relaxed.steps // STEPS_PER_CHECKPOINT), going_on, strict=False):
        yield schedule


class _Kept:
    """A path that is under way, in one file."""

    def __init__(self, path: FilePath, identity: str) -> None:
        self.path, self.identity, self._saved = path, identity, time.monotonic()

    def save_now_and_then(self, path: Path, n_done: int) -> None:
        """Saves if the last save is some seconds ago."""
        if time.monotonic() - self._saved >= SECONDS_BETWEEN_SAVES:
            self.save(path, n_done)

    def save(self, path: Path, n_done: int) -> None:
        """Replaces the file. n_done: schedules that lie behind."""
        arrays = {str(i): np.asarray(x) for i, x in enumerate(jax.tree.leaves(_moving(path)))}
        write_arrays(self.path, arrays, {"identity": self.identity, "done": n_done})
        self._saved = time.monotonic()

    def load(self, beginning: Path) -> tuple[Path, int]:
        """The path that is kept and how many schedules lie behind it, or its beginning and 0.

        Raises DataError where the file is damaged, or of other data or options.
        """
        if not self.path.is_file():
            return beginning, 0
        arrays, note = read_arrays(self.path)
        refuse_other(self.path, note, self.identity)
        structure = jax.tree.structure(_moving(beginning))
        leaves = [jnp.asarray(arrays[str(i)]) for i in range(structure.num_leaves)]
        return dataclasses.replace(beginning, **jax.tree.unflatten(structure, leaves)), note["done"]


def _moving(path: Path) -> dict[str, Any]:
    return {
        "trained": path.trained, "adam": path.adam, "average": path.average, "rates": path.rates,
    }  # fmt: skip
