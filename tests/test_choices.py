import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.choices import of_choice, sample_choice


@pytest.mark.parametrize("logits", [[0.0, 1.0], [2.0, 0.0, -1.0], [0.3, 0.3, 0.3, 5.0]])
def test_choices_are_drawn_with_softmax_probabilities(logits):
    """On an even grid of N numbers, each choice's share is its probability to within 1 / N."""
    n = 10_000
    grid = (jnp.arange(n) + 0.5) / n
    choice = jax.vmap(lambda u: sample_choice(jnp.array(logits), u))(grid)
    share = np.bincount(np.asarray(choice), minlength=len(logits)) / n
    np.testing.assert_allclose(share, jax.nn.softmax(jnp.array(logits)), atol=1.01 / n)


@pytest.mark.parametrize("uniform", [2.0**-24, 0.5, 1 - 2.0**-24])
@pytest.mark.parametrize("best", [0, 1, 2])
def test_huge_log_odds_leave_no_choice(uniform, best):
    logits = jnp.full(3, -1e4).at[best].set(1e4)
    assert sample_choice(logits, jnp.float32(uniform)) == best


def test_value_of_the_choice_made():
    values = (jnp.array(1.5), jnp.array(-2.0), jnp.array(0.25))
    assert [float(of_choice(jnp.array(i), values)) for i in range(3)] == [1.5, -2.0, 0.25]
