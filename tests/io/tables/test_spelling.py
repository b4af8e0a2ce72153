"""One animal spelled in two ways, a session in each row, and codes with several usual readings."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.tables.spelling import alike, spelling_key
from accumbens.io.tables.trials import TableFormat, format_of, from_table, to_table, write_table
from accumbens.io.trial_sources import read_sources


def table(subjects, sessions, n: int = 4) -> pd.DataFrame:
    """Sessions of `n` trials each."""
    parts = [
        pd.DataFrame({"subject": a, "session": s, "trial": range(n), "choice": [0, 1] * (n // 2),
                      "reward": 1.0})
        for a, s in zip(subjects, sessions, strict=True)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("M1", "M1 "), ("M1", "m1"), ("M1", "M 1"), ("M1", "M01"), ("M1", "M_1"), ("7", "007"),
        ("7", "7.0"), ("2024-05-01", "2024-5-1"), ("2024-05-01", "2024/05/01"),
        ("M1", "M1\u00a0"), ("M1", "\uff2d1"), ("a  b", "a b"), ("day_-1", "day -1"),
    ],
)  # fmt: skip
def test_labels_that_are_spelled_in_two_ways(one, other):
    assert alike([one, "else", other]) == [(one, other)]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("M1", "M10"), ("1-11", "11-1"), ("1.5", "1.05"), ("-1", "1"), ("day -1", "day 1"),
        ("2024-01-11", "2024-11-1"), ("A+", "A-"), ("M1a", "M1b"), ("0", "00.5"), ("M0", "M"),
        ("é", "e"),
    ],
)  # fmt: skip
def test_labels_that_do_differ(one, other):
    assert spelling_key(one) != spelling_key(other)


@pytest.mark.parametrize(
    ("subjects", "sessions", "said"),
    [
        (["M1", "m1"], ["1", "2"], 'column "subject": subjects "M1" and "m1" look like one'),
        (["M1", "M1"], ["d1", "D 1"], 'sessions of subject "M1" "d1" and "D 1" look like one'),
    ],
)
def test_they_are_an_error_unless_they_are_said_to_differ(subjects, sessions, said):
    frame = table(subjects, sessions)
    with pytest.raises(DataError, match=said) as caught:
        from_table(frame)
    assert "write each in one way, or say that they do differ (--labels-differ)" in str(
        caught.value
    )
    trials = from_table(frame, TableFormat(labels_differ=True))
    assert trials.n_sessions == 2
    again = from_table(to_table(trials), format_of(trials))
    assert (again.names, again.n_sessions) == (trials.names, 2)


def test_sessions_of_different_subjects_may_look_alike():
    assert from_table(table(["M1", "M2"], ["d1", "D1"])).n_sessions == 2


def test_a_subject_of_several_files_has_one_spelling(tmp_path):
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for path, subject, session in zip(paths, ("M1", "m1 "), "12", strict=True):
        write_table(table([subject], [session]), path)
    with pytest.raises(DataError, match=r'a\.csv and .*: subjects "M1" and "m1 " look like one'):
        read_sources(paths)


def test_a_session_in_nearly_each_row_is_a_wrong_column():
    frame = table(["M1"], ["1"], 60)
    times = [f"10:00:{i:02d}" for i in range(60)]
    with pytest.raises(DataError, match="60 rows are 60 sessions, so that nearly each row begins"):
        from_table(frame.assign(session=times))
    with pytest.raises(DataError, match="60 rows are 30 sessions"):
        from_table(frame.assign(session=np.repeat(times[:30], 2)))
    with pytest.raises(DataError, match='columns "subject" and "session": 60 rows are 60'):
        from_table(frame.assign(subject=times, session="1"))
    assert from_table(frame.assign(session=np.repeat(times[:10], 6))).n_sessions == 10


@pytest.mark.parametrize(
    ("codes", "advice"),
    [
        ([-1, 0, 1], ["use --missed 0;", "use --missed -1;", "(--choices -1 0 1)"]),
        ([-1, 0], ["use --missed 0;", "use --missed -1;"]),
        ([0, 1, 2], ["use --missed 2;", "use --missed 0 --choices 1 2;"]),
        ([1, 2, 3], ["use --missed 3 --choices 1 2;"]),
        ([-1, 0, 1, 9], ["if -1 and 9 mean missed trials", "if 0 and 9 mean missed trials"]),
    ],
)
def test_every_usual_reading_of_choice_codes_is_offered(codes, advice):
    frame = table(["M1"], ["1"], 12).assign(choice=(codes * 12)[:12])
    with pytest.raises(DataError) as caught:
        from_table(frame)
    for text in advice:
        assert text in str(caught.value)


def test_codes_as_advised():
    frame = table(["M1"], ["1"], 6).assign(choice=[-1, 0, 1, 1, 0, -1])
    trials = from_table(frame, TableFormat(missed=("0",)))
    assert trials.choice.tolist() == [[0, -1, 1, 1, -1, 0]]
    frame = frame.assign(choice=[0, 1, 2, 2, 1, 0])
    trials = from_table(frame, TableFormat(missed=("0",), choices=("1", "2")))
    assert trials.choice.tolist() == [[-1, 0, 1, 1, 0, -1]]


def test_the_minus_of_typesetting_is_one(tmp_path):
    """As text programs and spreadsheets in some languages write it."""
    frame = table(["M1"], ["1"], 6).assign(choice=["\u22121", "0", "1", "1", "0", "\u22121"])
    frame["reward"] = ["0.5", "\u22120.5", "1", "1", "\u22122e-1", "0"]
    frame.to_csv(tmp_path / "trials.csv", index=False)
    with pytest.raises(DataError, match=r"use --missed \-1; if 0 means .* use --missed 0;"):
        from_table(tmp_path / "trials.csv")
    for read in (tmp_path / "trials.csv", frame):
        trials = from_table(read, TableFormat(missed=("0",)))
        assert trials.choice.tolist() == [[0, -1, 1, 1, -1, 0]]
        np.testing.assert_allclose(trials.outcome[0, [0, 2, 3, 5], 0], [0.5, 1, 1, 0])
    made = from_table(frame, TableFormat(choices=(-1, 0, 1)))
    np.testing.assert_allclose(made.outcome[0, :, 0], [0.5, -0.5, 1, 1, -0.2, 0])


def test_a_blank_code_of_a_choice_is_refused():
    format = TableFormat(choices=("", "x"))
    frame = table(["M1"], ["1"], 4).assign(choice=["", "x", "x", ""])
    with pytest.raises(DataError, match=r"a code of the choices \(--choices\) is blank, and a"):
        from_table(frame, format)
    good = dataclasses.replace(format, choices=("y", "x"))
    assert from_table(frame.assign(choice=list("yxxy")), good).choice.tolist() == [[0, 1, 1, 0]]


def test_trial_numbers_of_blocks_may_be_left_out():
    frame = table(["M1"], ["1"], 8).assign(trial=[1, 2, 3, 4] * 2)
    with pytest.raises(DataError, match=r"counted anew in each block, say\), --trial None counts"):
        from_table(frame)
    assert from_table(frame, TableFormat(trial=None)).length.tolist() == [8]
