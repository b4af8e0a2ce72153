"""A fixed bias has its maximum-likelihood estimate in one line."""

import dataclasses

import jax
import numpy as np

from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.bias import BiasOnly
from helpers.table import example_trials


def test_the_bias_of_counts_is_that_of_the_optimiser():
    """Missed and instructed trials, which the example has, count for neither."""
    trials = example_trials(3, 0)
    counts = np.bincount(trials.choice[trials.scored], minlength=3)
    assert (counts > 0).all()
    found = BiasOnly.from_trials(trials)
    start = BiasOnly(bias=np.zeros(2), n_choices=3)
    fitted = fit_maximum_likelihood(start, trials, target="choice", key=jax.random.key(0))
    np.testing.assert_allclose(found.bias, fitted.model.bias, atol=1e-4)
    p = np.asarray(jax.nn.softmax(found.choice_logits(())))
    np.testing.assert_allclose(p, counts / counts.sum(), rtol=1e-5)


def test_a_choice_that_was_never_made_stays_possible():
    trials = example_trials(2, 0)
    only_left = dataclasses.replace(trials, choice=np.minimum(trials.choice, 0))
    n = only_left.scored.sum()
    p = np.asarray(jax.nn.softmax(BiasOnly.from_trials(only_left).choice_logits(())))
    np.testing.assert_allclose(p, [n / (n + 0.5), 0.5 / (n + 0.5)], rtol=1e-5)
