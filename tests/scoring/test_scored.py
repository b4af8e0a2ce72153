"""The hash of scored trials depends on their keys, and on nothing else."""

import hashlib

import numpy as np
import pytest

from accumbens.scoring.scored import scored_trials_hash, which_trials
from accumbens.trials import MISSED, TrialNames, trials_from_arrays

NAMES = TrialNames(subjects=("M1", 'µ"2'), sessions=("a", "b"))


def some(choice, names=NAMES, **changes):
    choice = np.array(choice)
    fields = {"subject": np.array([0, 1]), "number": np.array([[0, 1, 4], [7, 8, 10]])} | changes
    return trials_from_arrays(choice, np.zeros((*choice.shape, 1)), names=names, **fields)


@pytest.fixture
def trials():
    return some([[0, 1, MISSED], [1, 1, 0]])


def test_the_hash_is_of_the_keys_as_documented(trials):
    """Lines written by hand; trial 4 of M1 was missed."""
    lines = ['["M1", "a", 0]', '["M1", "a", 1]',
             *(f'["µ\\"2", "b", {i}]' for i in (10, 7, 8))]  # fmt: skip
    text = "".join(f"{line}\n" for line in lines)
    assert scored_trials_hash(trials) == hashlib.sha256(text.encode()).hexdigest()[:16]


def test_order_and_values_do_not_matter(trials):
    found = scored_trials_hash(trials)
    assert scored_trials_hash(trials.select_sessions([1, 0])) == found
    assert scored_trials_hash(some([[1, 0, MISSED], [0, 0, 0]])) == found


@pytest.mark.parametrize(
    "other",
    [
        some([[0, 1, 1], [1, 1, 0]]),
        some([[0, 1, MISSED], [1, 1, 0]], number=np.array([[0, 2, 4], [7, 8, 10]])),
        some([[0, 1, MISSED], [1, 1, 0]], subject=np.array([0, 0])),
        some([[0, 1, MISSED], [1, 1, 0]],
             TrialNames(subjects=("M1", "µ\"2"), sessions=("a", "c"))),
    ],
    ids=["missed", "number", "subject", "session"],
)  # fmt: skip
def test_other_keys_give_another_hash(trials, other):
    assert scored_trials_hash(other) != scored_trials_hash(trials)


def test_the_sentence_below_a_table():
    assert which_trials(1234, "00ff") == "Scored: 1,234 choices; hash of their keys: 00ff."
