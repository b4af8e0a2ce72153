"""Small trials and untrained models that visit enough of their latents to be drawn."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.disrnn.model import DisRNNState
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

    def make(trials, open, *, n_latents=3, embedding=0, seed=1):
        config = DisRNNConfig(
            latents=n_latents, update_layers=1, update_units=6, choice_layers=1, choice_units=3,
            signal_layers=1, signal_units=6, subject_embedding=embedding,
        )  # fmt: skip
        n_signals = len(trials.names.signals)
        initial = eqx.filter_jit(
            lambda key: DisRNN.initial(
                config,
                n_choices=trials.n_choices,
                outcome_names=trials.names.outcomes,
                signal_names=trials.names.signals,
                n_subjects=len(trials.names.subjects),
                key=key,
            )
        )  # one compilation instead of one for each operation
        model = initial(jax.random.key(seed))
        rng = np.random.default_rng(seed)
        sigma = np.where(np.isin(np.arange(n_latents), open), 0.05, 0.999)

        def multipliers(*shape):
            return jnp.asarray(rng.uniform(0.5, 1.5, shape), jnp.float32)

        return eqx.tree_at(
            lambda m: [
                m.latent_log_sigma, m.choice_reader.latent.multiplier,
                m.signal_reader.latent.multiplier, m.signal_reader.observation.multiplier,
                m.update_reader.latent.multiplier, m.choice_reader.mlps.w_out, m.embedding,
                m.signal_embedding, m.signal_mean, m.signal_scale,
            ],
            model,
            [
                jnp.asarray(np.log(sigma), jnp.float32), multipliers(1, n_latents),
                multipliers(n_signals, n_latents),
                multipliers(*model.signal_reader.observation.multiplier.shape),
                multipliers(n_latents, n_latents), 5 * model.choice_reader.mlps.w_out,
                10 * model.embedding, 10 * model.signal_embedding,
                jnp.asarray(np.arange(1.0, 1.0 + n_signals), jnp.float32),
                jnp.asarray(np.arange(2.0, 2.0 + n_signals), jnp.float32),
            ],
        )  # fmt: skip

    return make


@pytest.fixture(scope="session")
def walk():
    """The oracle of what trials visit: latents before each trial with a choice, one by one."""

    def latents_before_each_choice(model, trials):
        update = jax.jit(lambda state, choice, outcome: model.update(state, choice, outcome))
        visited = []
        for s in range(trials.n_sessions):
            state = DisRNNState(model.z_initial, jnp.asarray(trials.subject[s]))
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
