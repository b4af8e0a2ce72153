"""Splits hold out whole sessions, in a stated order, and can be stored."""

import collections
import inspect

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.scoring.splits import (
    Split,
    apply_split,
    by_label,
    every_nth,
    hold_out_subjects,
    k_fold,
    leave_one_subject_out,
    none_held_out,
    order_sessions,
)
from accumbens.trials import TrialNames, trials_from_arrays


def sessions(*labels: str):
    """Trials with these `subject/session` labels, in this order."""
    pairs = [label.split("/") for label in labels]
    subjects = tuple(dict.fromkeys(subject for subject, _ in pairs))
    shape = (len(pairs), 3)
    return trials_from_arrays(
        np.zeros(shape, int),
        np.zeros((*shape, 1)),
        subject=np.array([subjects.index(subject) for subject, _ in pairs]),
        names=TrialNames(subjects=subjects, sessions=tuple(session for _, session in pairs)),
    )


def test_sessions_are_ordered_by_subject_then_label_with_numbers_as_numbers():
    trials = sessions("m10/1", "m9/10", "m9/9", "a/2024-02-01", "a/2024-01-31", "m9/b", "m9/a2")
    ordered = [trials.session_labels[i] for i in order_sessions(trials)]
    assert ordered == [
        "a/2024-01-31", "a/2024-02-01", "m9/9", "m9/10", "m9/a2", "m9/b", "m10/1",
    ]  # fmt: skip


def test_every_second_session_of_each_subject_is_scored_and_its_first_is_fitted():
    split = every_nth(sessions("b/1", "a/3", "a/1", "a/2", "b/2"))
    assert split.train == ("a/1", "a/3", "b/1")
    assert split.test == ("a/2", "b/2")
    assert split.description == "every second session of each subject"


def test_all_sessions_are_counted_where_asked():
    trials = sessions("b/1", "a/3", "a/1", "a/2", "b/2")
    split = every_nth(trials, count="all-sessions")
    assert split.train == ("a/1", "a/3", "b/2")
    assert split.test == ("a/2", "b/1")
    assert split.description == "every second session in order of subject and session"


def test_every_third():
    split = every_nth(sessions(*(f"a/{i}" for i in range(7))), n=3)
    assert split.test == ("a/2", "a/5")
    assert split.train == ("a/0", "a/1", "a/3", "a/4", "a/6")


@pytest.mark.parametrize("n", [2, 3, 4])
def test_each_subject_counts_its_own_sessions(n):
    """As a plain loop does; subjects of n - 1 sessions are fitted only, and named."""
    n_sessions = {"m2": 5, "m10": n - 1, "m1": n, "m3": 2 * n + 1}
    trials = sessions(*(f"{s}/{i}" for i in reversed(range(9)) for s in n_sessions
                        if i < n_sessions[s]))  # fmt: skip
    train, test = [], []
    for subject in ("m1", "m2", "m3", "m10"):
        for i in range(n_sessions[subject]):
            (test if (i + 1) % n == 0 else train).append(f"{subject}/{i}")
    split = every_nth(trials, n)
    assert (split.train, split.test) == (tuple(train), tuple(test))
    assert split.description.endswith(
        f" session of each subject; those with fewer than {n} sessions are fitted only: m10"
    )


def test_one_session_a_subject_is_counted_over_all_and_says_so():
    trials = sessions(*(f"m{i}/1" for i in range(6)))
    split = every_nth(trials)
    assert split.test == ("m1/1", "m3/1", "m5/1")
    assert split.description == (
        "every second session in order of subject and session, counted over all subjects, for none "
        "has 2 sessions"
    )


def test_whole_subjects_are_held_out():
    trials = sessions("a/1", "c/1", "b/2", "b/1", "a/2", "d/1")
    split = every_nth(trials, count="subjects")
    assert split.train == ("a/1", "a/2", "c/1")
    assert split.test == ("b/1", "b/2", "d/1")
    assert split.description == "every second subject, with all its sessions"
    assert hold_out_subjects(trials, ["b", "d"]) == Split(
        split.train, split.test, "all sessions of b, d"
    )
    left_out = leave_one_subject_out(trials)
    assert [s.test for s in left_out] == [("a/1", "a/2"), ("b/1", "b/2"), ("c/1",), ("d/1",)]
    assert left_out[2].train == ("a/1", "a/2", "b/1", "b/2", "d/1")
    with pytest.raises(DataError, match=r"no subject e: there is a, for one"):
        hold_out_subjects(trials, ["e"])
    with pytest.raises(ConfigError, match=r"'all sessions of a, b, c, d' leaves no session to fit"):
        hold_out_subjects(trials, "abcd")
    one = sessions("a/1", "a/2")
    for split_of in (leave_one_subject_out, lambda t: every_nth(t, count="subjects")):
        with pytest.raises(DataError, match=r"have 1 subject, too few to .*: whole subjects"):
            split_of(one)


def test_folds_of_whole_subjects_and_of_all_sessions():
    trials = sessions(*(f"{s}/{i}" for s, n in (("a", 5), ("b", 1), ("c", 4)) for i in range(n)))
    rng = np.random.default_rng(0)
    for k, count in ((3, "subjects"), (2, "subjects"), (4, "all-sessions")):
        folds = k_fold(trials, k, rng, count)
        assert sorted(x for fold in folds for x in fold.test) == sorted(trials.session_labels)
        for fold in folds:
            assert set(fold.train) | set(fold.test) == set(trials.session_labels)
            shared = {x[0] for x in fold.train} & {x[0] for x in fold.test}
            assert not shared or count == "all-sessions"
    assert {len(fold.test) for fold in folds} == {2, 3}
    assert "of 4 over all sessions" in folds[0].description
    assert k_fold(trials, 3, rng, "subjects")[2].description == "fold 3 of 3 of whole subjects"
    with pytest.raises(DataError, match=r"3 subjects, too few to make 4 folds"):
        k_fold(trials, 4, rng, "subjects")


def test_apply_gives_the_trials_of_each_side_in_the_splits_order():
    trials = sessions("b/1", "a/2", "a/1")
    train, test = apply_split(Split(("b/1", "a/1"), ("a/2",), "mine"), trials)
    assert train.session_labels == ("b/1", "a/1")
    assert test.session_labels == ("a/2",)


def test_folds_score_each_session_once_and_fit_some_of_every_subject():
    trials = sessions(*(f"{s}/{i}" for s, n in (("a", 5), ("b", 2), ("c", 4)) for i in range(n)))
    folds = k_fold(trials, 4, np.random.default_rng(0))
    assert sorted(label for fold in folds for label in fold.test) == sorted(trials.session_labels)
    assert {len(fold.test) for fold in folds} == {2, 3}
    for fold in folds:
        assert set(fold.train) | set(fold.test) == set(trials.session_labels)
        assert {label.split("/")[0] for label in fold.train} == {"a", "b", "c"}
        of_subject = collections.Counter(label.split("/")[0] for label in fold.test)
        assert of_subject["a"] <= 2
        assert of_subject["b"] <= 1


def test_folds_depend_on_the_generator_only():
    trials = sessions(*(f"a/{i}" for i in range(9)))
    first, again, other = (k_fold(trials, 3, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_by_label_fits_all_other_sessions():
    split = by_label(sessions("a/1", "a/2", "b/1"), ["b/1"])
    assert split.train == ("a/1", "a/2")
    assert split.test == ("b/1",)


def test_a_split_survives_json():
    split = every_nth(sessions("a/1", "a/2", "µ/3"))
    assert Split.from_json(split.to_json()) == split


@pytest.mark.parametrize("text", ["{", "[]", '{"train": ["a/1"]}', '{"train": 3}'])
def test_what_is_not_a_stored_split_is_refused(text):
    with pytest.raises(DataError, match="not a stored split: expected a JSON object with train"):
        Split.from_json(text)


def test_labels_that_the_trials_lack_are_all_named_with_near_matches():
    trials = sessions("mouse1/day1", "mouse1/day2", "mouse2/day1")
    with pytest.raises(DataError, match=r"no session mouse1/day3: did you mean mouse1/day") as e:
        by_label(trials, ["mouse1/day3", "xyz", "mouse2/day1"])
    assert "no session xyz: there is mouse1/day1, for one." in str(e.value)
    assert "no session mouse2/day1" not in str(e.value)
    with pytest.raises(DataError, match="no session rat/1"):
        apply_split(Split(("rat/1",), ("mouse1/day1",), "old"), trials)


def test_contradictory_splits_are_refused():
    with pytest.raises(ConfigError, match="'x' leaves no session to score"):
        Split(("a/1",), (), "x")
    with pytest.raises(ConfigError, match="'x' leaves no session to fit"):
        Split((), ("a/1",), "x")
    with pytest.raises(ConfigError, match="'x' both fits and scores a/1"):
        Split(("a/1", "a/2"), ("a/1",), "x")


def test_none_is_held_out_only_when_asked():
    trials = sessions("a/2", "a/1")
    split = none_held_out(trials)
    assert (split.train, split.test) == (("a/1", "a/2"), ("a/1", "a/2"))
    assert not split.holds_out
    assert every_nth(trials).holds_out
    assert Split.from_json(split.to_json()) == split


def test_too_few_sessions_say_what_to_do():
    one = sessions("a/1")
    with pytest.raises(
        DataError, match=r"These trials have 1 session, too few to score .*name a column"
    ):
        every_nth(one)
    with pytest.raises(DataError, match=r"too few to make 3 folds"):
        k_fold(one, 3, np.random.default_rng(0))
    with pytest.raises(DataError, match=r"b/1 is the only one .*--split.count all-sessions, or"):
        k_fold(sessions("a/1", "a/2", "b/1"), 2, np.random.default_rng(0))


def test_numbers_below_two_are_refused():
    trials = sessions("a/1", "a/2")
    with pytest.raises(ConfigError, match="n of at least 2, not 1"):
        every_nth(trials, n=1)
    with pytest.raises(ConfigError, match=r"count is 'day'; choose one of within-subject, all-se"):
        inspect.unwrap(every_nth)(trials, 2, "day")  # as without beartype
    with pytest.raises(ConfigError, match="k of at least 2, not 1"):
        k_fold(trials, 1, np.random.default_rng(0))
