"""Small trials and untrained models that visit enough of their latents to be drawn."""

import functools
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.models.disrnn import DisRNN, DisRNNConfig, DisRNNState
from accumbens.trials import TrialNames, trials_from_arrays


@pytest.fixture(scope="session")
def make_trials():
    """Random trials with missed and instructed ones, unmeasured signals and short sessions."""

    def make(
        n_choices=2, outcomes=("reward",), signals=("dopamine",), *, n_subjects=1, codes=None,
        contexts=(), amounts=False, n_sessions=4, n_trials=40, seed=0,
    ):  # fmt: skip
        rng = np.random.default_rng(seed)
        shape = (n_sessions, n_trials)
        choice = np.where(rng.random(shape) < 0.1, -1, rng.integers(0, n_choices, shape))
        outcome = (rng.random((*shape, len(outcomes))) < 0.5).astype(float)
        if amounts:
            outcome = rng.normal(size=outcome.shape)
        signal = rng.normal(2.0, 3.0, (*shape, len(signals)))
        signal[rng.random(signal.shape) < 0.15] = np.nan
        return trials_from_arrays(
            choice, outcome, signal=signal, instructed=rng.random(shape) < 0.1,
            context=rng.random((*shape, len(contexts))),
            length=rng.integers(n_trials // 2, n_trials + 1, n_sessions),
            subject=np.arange(n_sessions) % n_subjects,
            names=TrialNames(
                choices=codes or tuple(range(n_choices)), outcomes=outcomes, signals=signals,
                contexts=contexts, subjects=tuple(f"mouse {i}" for i in range(n_subjects)),
            ),
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def make_model():
    """A disRNN for some trials, with `open` latents open and the others closed."""

    def make(trials, open, *, n_latents=3, embedding=0, signal_embedding=None, seed=1):
        config = DisRNNConfig(
            latents=n_latents, update_layers=1, update_units=6, choice_layers=1, choice_units=3,
            signal_layers=1, signal_units=6, subject_embedding=embedding,
            signal_subject_embedding=signal_embedding,
        )  # fmt: skip
        initial = functools.partial(
            DisRNN.initial, config, n_choices=trials.n_choices,
            outcome_names=trials.names.outcomes, signal_names=trials.names.signals,
            n_subjects=len(trials.names.subjects),
        )  # fmt: skip
        shapes = eqx.filter_eval_shape(lambda key: initial(key=key), jax.random.key(0))
        rng = np.random.default_rng(seed)

        def numbers(path, like):
            name = str(path[-1])
            if "multiplier" in name:
                return jnp.asarray(rng.uniform(0.5, 1.5, like.shape), jnp.float32)
            if "log_sigma" in name:
                return jnp.asarray(np.full(like.shape, np.log(0.05)), jnp.float32)
            if "scale" in name:
                return jnp.asarray(np.arange(2.0, 2.0 + like.size), jnp.float32)
            return jnp.asarray(0.6 * rng.normal(size=like.shape), jnp.float32)

        model = jax.tree_util.tree_map_with_path(numbers, shapes)
        sigma = np.where(np.isin(np.arange(n_latents), open), 0.05, 0.999)
        log_sigma = jnp.asarray(np.log(sigma), jnp.float32)
        return eqx.tree_at(lambda m: m.core.bottleneck.log_sigma, model, log_sigma)

    return make


@pytest.fixture(scope="session")
def walk():
    """The oracle of what trials visit: latents before each trial with a choice, one by one."""

    def latents_before_each_choice(model, trials):
        update = jax.jit(lambda state, choice, outcome: model.update(state, choice, outcome))
        visited = []
        for s in range(trials.n_sessions):
            state = DisRNNState(model.core.z_initial, jnp.asarray(trials.subject[s]))
            for t in range(trials.length[s]):
                choice = trials.choice[s, t]
                if choice >= 0:
                    visited.append(np.asarray(state.z))
                    outcome = jnp.asarray(trials.outcome[s, t], jnp.float32)
                    state = update(state, jnp.asarray(choice), outcome)
        return np.array(visited)

    return latents_before_each_choice


@pytest.fixture(scope="session")
def check_drawn():
    """Lays a figure out and asserts that no text is cut off and no tick labels collide."""

    def check(fig):
        fig.draw_without_rendering()
        box = fig.get_tightbbox()
        width, height = fig.get_size_inches()
        assert box.x0 > -0.02
        assert box.y0 > -0.02
        assert box.x1 < width + 0.02
        assert box.y1 < height + 0.02
        for ax in fig.axes:
            for axis, side in ((ax.xaxis, 0), (ax.yaxis, 1)):
                low, high = sorted(axis.get_view_interval())
                boxes = sorted(
                    (
                        label.get_window_extent().get_points()[:, side]
                        for label in axis.get_majorticklabels()
                        if label.get_text()
                        and low <= label.get_position()[side] <= high
                        and label.get_visible()
                    ),
                    key=lambda ends: ends[0],
                )
                for one, other in itertools.pairwise(boxes):
                    assert other[0] > one[1] - 0.5, "tick labels collide"

    return check
