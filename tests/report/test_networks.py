"""The networks that the page evaluates are those of the model."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.disrnn.model import DisRNNState
from accumbens.models.signal_units import SignalUnits
from accumbens.report.networks import networks
from accumbens.report.page import page
from accumbens.report.payload import Payload

N = 1000


def a_model(activation, n_choices, layers):
    config = DisRNNConfig(
        latents=5, update_layers=layers, activation=activation, subject_embedding=2,
        signal_subject_embedding=1,
    )  # fmt: skip
    units = SignalUnits(jnp.array([250.0, -1.0]), jnp.array([12.0, 0.1]))
    model = DisRNN.initial(
        config, n_choices=n_choices, outcome_names=("cherry", "grape"), n_subjects=3,
        signal_names=("a", "b"), signal_units=units, key=jax.random.key(1),
    )  # fmt: skip
    leaves, tree = jax.tree.flatten(eqx.filter(model, eqx.is_inexact_array))
    keys = jax.random.split(jax.random.key(2), len(leaves))
    moved = [a + 0.3 * jax.random.normal(k, a.shape) for a, k in zip(leaves, keys, strict=True)]
    return eqx.combine(jax.tree.unflatten(tree, moved), model)


@pytest.mark.parametrize(
    ("activation", "n_choices", "layers"),
    [("softplus", 2, 2), ("leaky_relu", 3, 1), ("tanh", 2, 0)],
)
def test_the_page_computes_what_python_does(watched, tmp_path, activation, n_choices, layers):
    model, rng = a_model(activation, n_choices, layers), np.random.default_rng(0)
    z = rng.uniform(-2, 2, (N, 5)).astype(np.float32)
    choice, subject = rng.integers(n_choices, size=N), rng.integers(3, size=N)
    outcome = rng.uniform(0, 1, (N, 2)).round().astype(np.float32)

    @jax.jit
    @jax.vmap
    def expected(z, subject, choice, outcome):
        state = DisRNNState(z, subject)
        logits = model.choice_logits(state)
        return (
            logits,
            jax.nn.softmax(logits),
            model.signals(state, choice, outcome),
            model.update(state, choice, outcome).z,
        )

    payload = Payload()
    payload.header |= {"networks": networks(model, payload), "explorer": None}
    path = tmp_path / "page.html"
    path.write_text(page("T", "t", [], payload))
    found = watched.open(path).evaluate(
        """([z, subject, choice, outcome]) => {
            const net = accumbens.networks(accumbens.header.networks);
            return z.map((z, i) => [
                net.logits(z, subject[i]), net.probabilities(z, subject[i]),
                net.signal(z, choice[i], outcome[i], subject[i]),
                net.next(z, choice[i], outcome[i], subject[i]),
            ]);
        }""",
        [z.astype(float).tolist(), subject.tolist(), choice.tolist(), outcome.tolist()],
    )
    scale = (1.0, 1.0, np.array([12.0, 0.1]), 1.0)  # signals: of their standard deviation
    for i, wanted in enumerate(expected(z, subject, choice, outcome)):
        got = np.array([row[i] for row in found])
        assert np.abs((got - np.asarray(wanted)) / scale[i]).max() < 1e-5, i
