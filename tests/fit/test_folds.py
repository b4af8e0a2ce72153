"""What folds hold out, and how fits are compared by it."""

import numpy as np
import pytest

from accumbens.fit.folds import expected_after_all, folds_of, paired_difference, without
from accumbens.trials import TrialNames, trials_from_arrays


def some_trials(lengths, subjects):
    n = len(lengths)
    choice = np.zeros((n, max(lengths)), int)
    return trials_from_arrays(
        choice, np.zeros((*choice.shape, 1)), length=np.array(lengths),
        subject=np.array(subjects),
        names=TrialNames(subjects=tuple(f"m{i}" for i in range(max(subjects) + 1))),
    )  # fmt: skip


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


def test_what_is_held_out_is_scored_nowhere():
    trials = some_trials([4, 3, 3], [0, 0, 0])
    held_out = np.zeros((3, 4), bool)
    held_out[1], held_out[0, :2] = True, True
    seen = without(trials.batch(), held_out)
    np.testing.assert_array_equal(seen.scored, [[0, 0, 1, 1], [0, 0, 0, 0], [1, 1, 1, 0]])
    np.testing.assert_array_equal(seen.valid.sum(1), [4, 0, 3])
    signals = trials.with_signals(np.ones((3, 4, 1)), ("x",)).batch()
    kept = without(signals, held_out).signal_scored[..., 0]
    np.testing.assert_array_equal(kept, seen.scored)


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
