"""The disRNN recipe: noiseless warm-up, choices with penalised bottlenecks, then the signals.

Two-stage (the default; Jain et al. 2025): the core and the choice network learn from choices alone;
then both are frozen, their latents are read without noise, and only the signal networks learn.
Joint: everything learns from choices and signals at once, with a stated weight of the signals.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray, PyTree

from ...models.disrnn import DisRNN, in_order
from ...progress.base import Progress, Stopped
from ...summary import Summary, number, summarized
from ...threefry import check_key
from ...trials import Batch, Trials, expect_trials
from ..gradient.batches import MiniBatches, labelled, mini_batches
from ..gradient.checkpoints import Checkpoint, CheckpointFile
from ..gradient.objective import Objective
from ..gradient.training import TrainingState, initial_state, train
from .config import DisRNNStageConfig, RecipeConfig
from .objectives import JointData, ReadOutData, choice_objective, joint_objective, signal_objective
from .preparation import (
    Parts,
    all_parts,
    choice_parts,
    compile_loop_meanwhile,
    compile_signal_stage_meanwhile,
    initial_disrnn,
    latents_before,
    learning_rates,
    longest_first,
    signal_parts,
    with_unseen_subjects,
)

History = dict[str, dict[str, Float[np.ndarray, " step"]]]
"""Terms of the loss at every step, by stage and term."""


@summarized
class DisRNNFit(NamedTuple):
    """A fitted disRNN (latents in order), every step's loss, and wall-clock seconds by stage."""

    model: DisRNN
    history: History
    seconds: dict[str, float]

    def _summary(self) -> Summary | None:
        of_model = self.model._summary()
        if of_model is None:
            return None
        rows = [
            [stage, f"{len(terms['loss']):,}", number(terms["loss"][-1]),
             f"{self.seconds.get(stage, np.nan):.0f}"]
            for stage, terms in self.history.items()
        ]  # fmt: skip
        heads = ["stage", "steps", "loss at the end", "seconds"]
        return Summary(f"Fitted {of_model.title}", of_model.facts, [heads, *rows])


class _Stage(NamedTuple):
    name: str
    objective: Objective
    config: DisRNNStageConfig
    noisy: bool
    parts: Parts
    data: Callable[[DisRNN], PyTree]
    of: str = "sessions"

    def batches(self, data: PyTree, trials_per_step: int | None, key) -> MiniBatches | None:
        """Mini-batches of this data; None where every step sees all of it."""
        batch = data if isinstance(data, Batch) else data.batch
        return mini_batches(batch, trials_per_step, key=key)


def fit_disrnn(
    trials: Trials,
    config: RecipeConfig,
    *,
    key: PRNGKeyArray,
    progress: Progress | None = None,
    checkpoint: CheckpointFile | None = None,
) -> DisRNNFit:
    """A disRNN fitted to all sessions of `trials` by the recipe; all signals of the trials.

    checkpoint: where to keep what was reached; if it holds something, the fit goes on from there
        and gives the numbers of a fit that was never interrupted.
    Beyond 100,000 trials each step sees a mini-batch of the sessions (`config.trials_per_step`),
    and the model has the averages of the latest weights.
    Raises DivergedError when training cannot be rescued.
    """
    expect_trials(trials)
    check_key(key)
    progress = progress or Progress()
    batch = jax.tree.map(jnp.asarray, longest_first(trials.batch()))
    stages = _stages(config, batch, has_signals=bool(trials.names.signals))
    compile_loop_meanwhile(trials, config.disrnn, batch)
    reached = Checkpoint(initial_disrnn(trials, config.disrnn, key), 0, None, {}, {})
    if checkpoint is not None:
        template = _template_of_state(stages, config.trials_per_step)
        reached = checkpoint.load(reached, template) or reached
    large = mini_batches(batch, config.trials_per_step, key=key) is not None
    if stages[-1].name == "signal" and reached.stage < len(stages) and not large:
        compile_signal_stage_meanwhile(reached.model, batch, config.penalties, config.signal_stage)
    for index in range(reached.stage, len(stages)):
        reached = _run_stage(stages[index], index, reached, config, key, progress, checkpoint)
    return DisRNNFit(with_unseen_subjects(reached.model, batch), reached.history, reached.seconds)


def _stages(config: RecipeConfig, batch: Batch, *, has_signals: bool) -> list[_Stage]:
    if config.joint and has_signals:
        data = JointData(batch, jnp.asarray(config.signal_weight))
        return [
            _Stage("warm_up", joint_objective, config.warm_up, False, all_parts, lambda _: data),
            _Stage("joint", joint_objective, config.choice_stage, True, all_parts, lambda _: data),
        ]
    first, then = config.warm_up, config.choice_stage
    stages = [
        _Stage("warm_up", choice_objective, first, False, choice_parts, lambda _: batch),
        _Stage("choice", choice_objective, then, True, choice_parts, lambda _: batch),
    ]
    if has_signals:

        def read_out(model: DisRNN) -> ReadOutData:
            return ReadOutData.of_valid_trials(batch, latents_before(model, batch))

        stages.append(
            _Stage(
                "signal",
                signal_objective,
                config.signal_stage,
                True,
                signal_parts,
                read_out,
                "trials",
            )
        )
    return stages


def _run_stage(
    stage: _Stage, index: int, reached: Checkpoint, config: RecipeConfig, key: PRNGKeyArray,
    progress: Progress, checkpoint: CheckpointFile | None,
) -> Checkpoint:  # fmt: skip
    began = time.monotonic() - reached.seconds.get(stage.name, 0.0)

    def note(state: TrainingState | None, model: DisRNN, stage_index: int, terms) -> Checkpoint:
        seconds = reached.seconds | {stage.name: time.monotonic() - began}
        return Checkpoint(model, stage_index, state, reached.history | {stage.name: terms}, seconds)

    def on_dispatch(state: TrainingState, history: dict[str, np.ndarray]) -> None:
        def here() -> Checkpoint:
            return note(state, reached.model, index, history)

        latest = {name: float(values[-1]) for name, values in history.items()}
        try:
            task.update(state.step, total=state.n_steps(stage.config), terms=latest)
        except Stopped:
            if checkpoint is not None:
                checkpoint.save(here())
            raise
        if checkpoint is not None:
            checkpoint.save_now_and_then(here)

    start = None
    if reached.state is not None:
        start = (reached.state, reached.history.get(stage.name, {}))
    rates = learning_rates(reached.model, stage.parts, stage.config)
    data, key = stage.data(reached.model), jax.random.fold_in(key, 1 + index)
    batches = stage.batches(data, config.trials_per_step, key)
    with progress.task(labelled(stage.name, batches, stage.of), stage.config.steps) as task:
        trained = train(
            reached.model, stage.objective, data, config.penalties.weights(), stage.config,
            noisy=stage.noisy, rates=rates, key=key, batches=batches, start=start,
            on_dispatch=on_dispatch, divided=True,
        )  # fmt: skip
    model = in_order(trained.model) if stage.noisy and stage.name != "signal" else trained.model
    done = note(None, model, index + 1, trained.history)
    if checkpoint is not None:
        checkpoint.save(done)
    return done


def _template_of_state(stages: list[_Stage], trials_per_step: int | None):
    """The (untrained) training state of each stage, for reading a checkpoint."""

    def template(model: DisRNN, index: int) -> TrainingState:
        stage = stages[index]
        batches = stage.batches(stage.data(model), trials_per_step, jax.random.key(0))
        rates = learning_rates(model, stage.parts, stage.config)
        return initial_state(model, rates, stage.config, averaged=batches is not None)

    return template
