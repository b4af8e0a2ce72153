"""How candidates of a selection are made comparable, and which one is taken."""

import numpy as np
import pytest

from accumbens.errors import ConfigError
from accumbens.fit.disrnn.candidates import (
    Candidate,
    Route,
    best_candidate,
    expected_after_all,
    folds_of,
    most_shrunk,
    paired_difference,
    simplest_first,
)
from accumbens.fit.disrnn.config import SelectionConfig
from accumbens.trials import TrialNames, trials_from_arrays


def some_trials(lengths, subjects):
    n = len(lengths)
    choice = np.zeros((n, max(lengths)), int)
    return trials_from_arrays(
        choice, np.zeros((*choice.shape, 1)), length=np.array(lengths),
        subject=np.array(subjects),
        names=TrialNames(subjects=tuple(f"m{i}" for i in range(max(subjects) + 1))),
    )  # fmt: skip


def candidate(share=0.0, start=0, step=600, held_out=-0.5, fitted=-0.5, n_open=2, of_folds=None):
    expected = expected_after_all(held_out, fitted, 4)
    route = Route(share, 0, start)
    return Candidate(
        route, step, 1.0, held_out, fitted, expected, n_open, of_folds or (n_open,) * 4
    )


def test_every_session_is_held_out_once_and_every_subject_is_on_both_sides():
    trials = some_trials([5] * 11, [0, 1, 0, 1, 0, 1, 0, 1, 0, 0, 0])
    folds = folds_of(trials, 3)
    held = np.stack([fold.all(1) for fold in folds])
    assert (np.stack([fold.any(1) for fold in folds]) == held).all()
    np.testing.assert_array_equal(held.sum(0), 1)
    for fold in held:
        for subject in (0, 1):
            of_subject = trials.subject == subject
            assert (fold & of_subject).any()
            assert (~fold & of_subject).any()


def test_few_sessions_are_held_out_in_spans():
    trials = some_trials([8, 5], [0, 0])
    folds = folds_of(trials, 4)
    np.testing.assert_array_equal(np.sum(folds, 0), trials.in_session)
    np.testing.assert_array_equal(folds[0][0], [1, 1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_array_equal(folds[3][1], [0, 0, 0, 0, 1, 0, 0, 0])


@pytest.mark.parametrize("k", [2, 4])
def test_the_expected_likelihood_is_that_of_a_fit_to_everything(k):
    """Linear regression with d useless regressors and a known variance of 1: the mean held-out log
    likelihood after fitting n trials is -1/2 (1 + d / (n - d - 1))."""
    rng = np.random.default_rng(0)
    n, d, repeats = 240, 12, 300
    expected, plain = [], []
    for _ in range(repeats):
        x, y = rng.normal(size=(n, d)), rng.normal(size=n)
        held_out = fitted = 0.0
        for fold in range(k):
            out = np.arange(n) % k == fold
            weights = np.linalg.lstsq(x[~out], y[~out], rcond=None)[0]
            error = -0.5 * (y - x @ weights) ** 2
            held_out += error[out].sum() / n
            fitted += error[~out].sum() / (n * (k - 1))
        expected.append(expected_after_all(held_out, fitted, k))
        plain.append(held_out)
    truth = -0.5 * (1 + d / (n - d - 1))
    standard_error = np.std(expected, ddof=1) / np.sqrt(repeats)
    second_order = d * d / n**2 * k  # what the correction leaves out
    assert abs(np.mean(expected) - truth) < 4 * standard_error + second_order
    assert np.mean(plain) < truth - d / (4 * n * (k - 1))


def test_no_likelihood_is_taken_away_where_folds_fit_worse_than_they_predict():
    assert expected_after_all(-0.50, -0.52, 4) == -0.50


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


def test_paired_differences_against_a_plain_computation():
    rng = np.random.default_rng(1)
    n = rng.integers(50, 150, 9)
    a, b = rng.normal(-60, 5, 9), rng.normal(-61, 5, 9)
    below, error = paired_difference(a, b, n)
    mean = sum(a - b) / sum(n)
    residuals = [x - y - mean * m for x, y, m in zip(a, b, n, strict=True)]
    variance = sum((r - sum(residuals) / 9) ** 2 for r in residuals) / 8
    assert below == pytest.approx(mean)
    assert error == pytest.approx((variance * 9) ** 0.5 / sum(n))
    assert paired_difference(a[:1], b[:1], n[:1])[1] == 0


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
