"""The part of the sessions inside which is chosen: balanced, drawn by its key, and large enough."""

import dataclasses

import jax
import numpy as np

from accumbens.fit.gradient.batches import LARGE, TRIALS_PER_STEP
from accumbens.fit.part import part_of_sessions
from accumbens.trials import trials_from_arrays

KEY = jax.random.key(3)


def table(counts, n_trials=10):
    """Sessions of subjects with so many each, mixed."""
    subject = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    choice = np.zeros((len(subject), n_trials), int)
    trials = trials_from_arrays(choice, np.zeros((*choice.shape, 1)))
    names = dataclasses.replace(trials.names, subjects=tuple(f"m{i}" for i in range(len(counts))))
    return dataclasses.replace(trials, subject=subject.astype(np.int32), names=names)


def per_subject(part):
    return np.bincount(part.subject, minlength=len(part.names.subjects))


def test_subjects_give_equal_numbers_of_sessions_as_far_as_they_have_them():
    part = part_of_sessions(table([2, 20, 40]), 260, 4, key=KEY)
    assert part.valid.sum() == 260
    assert per_subject(part).tolist() == [2, 12, 12]


def test_of_many_subjects_some_give_a_session_to_each_fold():
    part = part_of_sessions(table([30] * 50), 800, 4, key=KEY)
    assert sorted(set(per_subject(part))) == [0, 4]
    assert part.valid.sum() == 800
    other = part_of_sessions(table([30] * 50), 800, 4, key=jax.random.key(4))
    assert (per_subject(part) != per_subject(other)).any(), "the key draws the subjects"
    again = part_of_sessions(table([30] * 50), 800, 4, key=KEY)
    assert again.session_labels == part.session_labels


def test_sessions_keep_their_order_and_each_fold_has_one():
    trials = table([9, 9])
    part = part_of_sessions(trials, 1, 4, key=KEY)
    assert part.n_sessions == 4
    places = [trials.session_labels.index(label) for label in part.session_labels]
    assert places == sorted(places)


def test_up_to_a_hundred_thousand_trials_all_sessions_count():
    assert part_of_sessions(table([50, 50], LARGE // 100), None, 4, key=KEY) is None
    assert part_of_sessions(table([5, 5]), 100, 4, key=KEY) is None
    part = part_of_sessions(table([60, 60], LARGE // 100), None, 4, key=KEY)
    assert part.valid.sum() == TRIALS_PER_STEP
