"""Which candidate of a selection is taken."""

import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.disrnn.candidates import (
    Candidate,
    Route,
    best_candidate,
    most_shrunk,
    simplest_first,
)
from accumbens.fit.disrnn.config import SelectionConfig
from accumbens.fit.folds import expected_after_all


def candidate(share=0.0, start=0, step=600, held_out=-0.5, fitted=-0.5, n_open=2, of_folds=None):
    expected = expected_after_all(held_out, fitted, 4)
    route = Route(share, 0, start, 5)
    return Candidate(
        route, step, 1.0, held_out, fitted, expected, n_open, of_folds or (n_open,) * 4
    )


def test_the_best_candidate_is_the_one_expected_to_predict_best():
    candidates = [
        candidate(share=0.0, held_out=-0.500, fitted=-0.490),  # expected -0.49875
        candidate(share=1.0, held_out=-0.499, fitted=-0.499),
        candidate(share=0.5, held_out=-0.490, step=550),  # too early
    ]
    assert best_candidate(candidates) == 0


def test_simpler_candidates_of_the_same_path_come_first():
    candidates = [
        candidate(step=600, held_out=-0.5000, n_open=4),
        candidate(step=650, held_out=-0.5004, n_open=3),
        candidate(step=700, held_out=-0.5003, n_open=3),
        candidate(step=750, held_out=-0.5040, n_open=2),
        candidate(step=800, held_out=-0.6000, n_open=1),  # hopeless
        candidate(share=1.0, step=600, held_out=-0.5001, n_open=1),  # another path
        candidate(step=850, held_out=-0.5001, n_open=5),  # not simpler
    ]
    assert simplest_first(candidates) == [3, 2, 0]


def test_the_number_of_open_latents_is_the_folds_where_they_have_more():
    candidates = [
        candidate(step=600, held_out=-0.500, n_open=3),
        candidate(step=650, held_out=-0.501, n_open=1, of_folds=(2, 2, 1, 1)),
        candidate(step=700, held_out=-0.502, n_open=2, of_folds=(2, 2, 2, 1)),
        candidate(step=750, held_out=-0.503, n_open=2, of_folds=(1, 1, 1, 1)),
        candidate(step=800, held_out=-0.504, n_open=1, of_folds=(1, 1, 2, 1)),
    ]
    assert simplest_first(candidates) == [4, 2, 0]  # 700 before 650, although 650 scores higher


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 0.0}, "selection.factor is 0; it must lie above 0"),
        ({"shares": ()}, "give one or more numbers from 0 to 1"),
        ({"shares": (0.0, 1.5)}, "give one or more numbers from 0 to 1"),
        ({"shares": (0.0, 0.0)}, "give each share once"),
        ({"folds": 1}, "selection.folds is 1; it must be at least 2"),
        (
            {"guides": ("q_learning", "nobody")},
            "selection.guides holds nobody; name one or more of",
        ),
        ({"guides": ()}, "selection.guides is empty"),
        ({"embedding": -1}, "selection.embedding is -1; it cannot be negative"),
        ({"starts": 0}, "selection.starts is 0; it must be at least 1"),
        ({"steps": 599}, "selection.steps is 599; it must be at least 600"),
        ({"relaxing": -1}, "selection.relaxing is -1; it cannot be negative"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(ConfigError, match=message):
        SelectionConfig(**options)


def test_the_largest_share_within_one_standard_error_is_taken():
    """Ten sessions of 100 trials; the middle share is best by 0.01 nats a trial on average."""
    rng = np.random.default_rng(0)
    n_scored, middle = np.full(10, 100), -60 + rng.normal(size=10)
    steady = middle - 1.0  # in every session: no standard error
    scattered = middle - 1.0 + 6 * (-1.0) ** np.arange(10)  # standard error 0.02
    shares, expected = (0.5, 1.0, 0.0), (-0.60, -0.61, -0.61)
    assert most_shrunk(shares, expected, (middle, steady, scattered), n_scored) == 0
    assert most_shrunk(shares, expected, (middle, scattered, steady), n_scored) == 1
    assert most_shrunk((0.5, 0.0), (-0.60, -0.59), (middle, scattered), n_scored) == 0
