"""Trial tables: exact round trips, the many ways to write a table, real data, speed."""

import dataclasses
import io

import hypothesis.extra.numpy as npst
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings

from accumbens.errors import DataError
from accumbens.io.tables.trials import (
    TableFormat,
    format_of,
    from_table,
    read_table,
    to_table,
    write_table,
)
from accumbens.trials import MISSED, TrialNames, Trials, trials_from_arrays
from helpers.python_calls import python_calls

CODES = [
    (0, 1),
    (-1, 1),
    ("left", "right"),
    ("R", "L"),
    (False, True),
    (True, False),
    (2, 0, 7),
    ("0", "1"),
    ("nan", "none", ", "),
    (0.5, 1.5),
    (3, 1),
]
ANY_FLOAT = st.floats(allow_nan=True, allow_infinity=False)
NAME = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6
).filter(str.strip)


def table(rows: str, **columns: object) -> pd.DataFrame:
    """A small table: subject, session, trial, choice, reward from words, with columns replaced."""
    return pd.read_csv(io.StringIO(rows), sep=r"\s+").assign(**columns)


PLAIN = "subject session trial choice reward\n" + "\n".join(
    f"{s} {k} {t} {(t + k) % 2} {t % 3 % 2}" for s in "AB" for k in (1, 2) for t in range(4)
)


def assert_same(x: Trials, y: Trials) -> None:
    for field in dataclasses.fields(Trials):
        a, b = getattr(x, field.name), getattr(y, field.name)
        if field.name == "names":
            assert a == b
            assert [type(code) for code in a.choices] == [type(code) for code in b.choices]
        else:
            assert a.dtype == b.dtype
            np.testing.assert_array_equal(a, b, err_msg=field.name)


@st.composite
def any_parts(draw) -> tuple[dict, dict]:
    """What `build` makes any `Trials` of; each session has a choice, each signal a number.

    `build` is called in the test: beartype draws random numbers, which strategies may not.
    """
    choices = draw(st.sampled_from(CODES))
    n_sessions, n_trials = draw(st.integers(1, 4)), draw(st.integers(1, 6))
    columns = draw(st.lists(NAME, min_size=9, max_size=9, unique_by=str.casefold))
    columns = [f"{c}_" for c in columns]  # none is called subject, session, trial, ...
    n_outcomes, n_signals, n_contexts = (draw(st.integers(0, 2)) for _ in range(3))
    shape = (n_sessions, n_trials)
    length = draw(npst.arrays(np.int64, n_sessions, elements=st.integers(1, n_trials)))
    choice = draw(npst.arrays(np.int64, shape, elements=st.integers(-1, len(choices) - 1)))
    choice[:, 0] = np.maximum(choice[:, 0], 0)
    outcome = draw(npst.arrays(np.float64, (*shape, n_outcomes), elements=ANY_FLOAT))
    outcome[(choice != MISSED)[:, :, None] & np.isnan(outcome)] = 1.0
    signal = draw(npst.arrays(np.float64, (*shape, n_signals), elements=ANY_FLOAT))
    signal[0, 0] = np.nan_to_num(signal[0, 0])
    subjects = tuple(draw(st.lists(NAME, min_size=1, max_size=3, unique=True)))
    steps = draw(npst.arrays(np.int64, shape, elements=st.integers(1, 3)))
    one_each = st.lists(NAME, min_size=n_sessions, max_size=n_sessions, unique=True)
    whose = st.integers(0, len(subjects) - 1)
    names = {
        "choices": choices,
        "outcomes": tuple(columns[:n_outcomes]),
        "signals": tuple(columns[3 : 3 + n_signals]),
        "contexts": tuple(columns[6 : 6 + n_contexts]),
        "subjects": subjects,
        "sessions": tuple(draw(one_each)),
    }
    return names, {
        "choice": choice,
        "outcome": outcome,
        "signal": signal,
        "context": draw(npst.arrays(np.float64, (*shape, n_contexts), elements=st.floats())),
        "number": np.cumsum(steps, axis=1) - 1 - steps[:, :1],  # from -1: never disjoint
        "instructed": draw(npst.arrays(np.bool_, shape)),
        "length": length,
        "subject": draw(npst.arrays(np.int64, n_sessions, elements=whose)),
    }


def build(parts: tuple[dict, dict]) -> Trials:
    names, arrays = parts
    trials = trials_from_arrays(**arrays, names=TrialNames(**names))
    return trials.select_sessions(range(trials.n_sessions))  # no padding beyond the longest


@given(any_parts())
@settings(max_examples=150, deadline=None)
def test_a_table_of_any_trials_reads_back_as_the_same_trials(parts):
    trials = build(parts)
    assert_same(from_table(to_table(trials), format_of(trials)), trials)


@pytest.mark.parametrize("ending", [".parquet", ".csv", ".tsv.gz"])
@given(parts=any_parts())
@settings(max_examples=40, deadline=None)
def test_a_file_of_any_trials_reads_back_as_the_same_trials(ending, parts, tmp_path_factory):
    trials = build(parts)
    path = tmp_path_factory.mktemp("tables") / f"trials{ending}"
    write_table(to_table(trials), path)
    back = from_table(path, format_of(trials))
    if ending != ".parquet":  # text has no types: "0" comes back as 0
        assert [str(c) for c in back.names.choices] == [str(c) for c in trials.names.choices]
        names = dataclasses.replace(back.names, choices=trials.names.choices)
        back = dataclasses.replace(back, names=names)
    assert_same(back, trials)


@given(any_parts(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_trials_of_a_table_give_back_its_rows(parts, random):
    trials = build(parts)
    frame = to_table(trials)
    sessions = [group for _, group in frame.groupby(["subject", "session"], sort=False)]
    merged = []  # the rows of several sessions shuffled together, each session in order
    while sessions:
        k = random.randrange(len(sessions))
        merged.append(sessions[k].iloc[:1])
        sessions[k] = sessions[k].iloc[1:]
        sessions = [s for s in sessions if len(s)]
    shuffled = pd.concat(merged, ignore_index=True)
    back = to_table(from_table(shuffled, format_of(trials)))
    keys = ["subject", "session", "trial"]
    pd.testing.assert_frame_equal(
        back.sort_values(keys, ignore_index=True)[list(frame)],
        frame.sort_values(keys, ignore_index=True),
        check_exact=True,
    )


def test_columns_keep_the_names_that_the_user_gave_them():
    frame = table(PLAIN).rename(columns={"subject": "mouse", "choice": "side", "trial": "n"})
    format = TableFormat(choice="side", subject="mouse", trial="n")
    back = to_table(from_table(frame, format), format)
    assert list(back) == ["mouse", "session", "n", "side", "reward"]
    pd.testing.assert_frame_equal(
        back.astype({"session": int}), frame.astype({"mouse": "str"}), check_dtype=False
    )


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([1, 0, 0, 1], (0, 1)),
        ([1, 1, 1, 1], (0, 1)),
        ([1.0, 0.0, np.nan, 1.0], (0, 1)),
        ([1, -1, None, 1], (-1, 1)),
        ([-1, -1, -1, -1], (-1, 1)),
        (["right", "left", None, "right"], ("left", "right")),
        (["RIGHT", "LEFT", "", "RIGHT"], ("LEFT", "RIGHT")),
        (["Right", "Right", "Right", "Right"], ("Left", "Right")),
        (["r", "l", "NA", "r"], ("l", "r")),
        (["R", "R", " ", "R"], ("L", "R")),
        ([True, False, None, True], (False, True)),
        ([True, True, True, True], (False, True)),
        (["1", "0", "nan", "1"], ("0", "1")),
        (pd.array([1, 0, None, 1], "Int64"), (0, 1)),
        (pd.Categorical(["R", "L", None, "R"]), ("L", "R")),
        (np.array([1, 0, 0, 1], np.uint8), (0, 1)),
        ([1, 0, "", 1], (0, 1)),
    ],
)
def test_usual_pairs_of_codes_are_understood_in_their_natural_order(codes, expected):
    frame = table(PLAIN).iloc[:4].assign(choice=codes)
    trials = from_table(frame)
    assert trials.names.choices == expected
    assert [type(c) for c in trials.names.choices] == [type(c) for c in expected]
    made = [None if i == MISSED else expected[i] for i in trials.choice[0]]
    assert made == [None if pd.isna(c) or str(c).strip() in ("", "NA", "nan") else c for c in codes]


@pytest.mark.parametrize(
    ("codes", "options", "choices", "index"),
    [
        ([0, 1, 2, 1], {"missed": ("2",)}, (0, 1), [0, 1, -1, 1]),
        ([0, 1, 2, 1], {"missed": (2,)}, (0, 1), [0, 1, -1, 1]),
        ([0.0, 1.0, 2.0, np.nan], {"missed": ("2",)}, (0, 1), [0, 1, -1, -1]),
        ([0, 1, "none", "ignored"], {"missed": ("ignored",)}, (0, 1), [0, 1, -1, -1]),
        ([0, 1, 2, 1], {"choices": ("0", "1", "2")}, (0, 1, 2), [0, 1, 2, 1]),
        ([0, 1, 2, 1], {"choices": (2, 1, 0)}, (2, 1, 0), [2, 1, 0, 1]),
        ([1, 2, 2, 1], {"choices": ("1", "2", "3")}, (1, 2, 3), [0, 1, 1, 0]),
        (
            ["go", "no", "go", "x"],
            {"choices": ("no", "go"), "missed": ("x",)},
            ("no", "go"),
            [1, 0, 1, -1],
        ),
        (["A", "A", "none", ""], {"choices": ("A", "none")}, ("A", "none"), [0, 0, 1, -1]),
        ([True, False, True, None], {"choices": ("True", "False")}, (True, False), [0, 1, 0, -1]),
        ([0.5, 1.5, 0.5, 1.5], {"choices": ("1.5", "0.5")}, (1.5, 0.5), [1, 0, 1, 0]),
    ],
)
def test_codes_that_the_user_states(codes, options, choices, index):
    trials = from_table(table(PLAIN).iloc[:4].assign(choice=codes), TableFormat(**options))
    assert trials.names.choices == choices
    assert trials.choice[0].tolist() == index


@pytest.mark.parametrize(
    ("cells", "options", "choices"),
    [
        ("0 1 1 0", {}, (0, 1)),
        ("0.0 1.0 nan 0.0", {}, (0, 1)),
        ("0 1 ignored 0", {"missed": ("ignored",)}, (0, 1)),
        ("TRUE FALSE NA TRUE", {}, (False, True)),
        ("L R R L", {}, ("L", "R")),
        ("01 02 02 01", {"choices": ("01", "02")}, ("01", "02")),
        ("1 2 x 1", {"choices": ("1", "2", "x")}, ("1", "2", "x")),
    ],
)
def test_codes_in_a_csv_file(cells, options, choices, tmp_path):
    path = tmp_path / "trials.csv"
    lines = [f"A,060223,{t},{cell},1" for t, cell in enumerate(cells.split())]
    path.write_text("\n".join(["subject,session,trial,choice,reward", *lines, ""]))
    trials = from_table(path, TableFormat(**options))
    assert trials.names.choices == choices
    assert [type(c) for c in trials.names.choices] == [type(c) for c in choices]
    assert trials.names.sessions == ("060223",)


@pytest.mark.parametrize(
    ("ids", "names"),
    [
        (["060223", "060223", "7", "7"], ("060223", "7")),
        ([12, 12, 3, 3], ("12", "3")),
        ([12.0, 12.0, 3.0, 3.0], ("12", "3")),
        (pd.to_datetime(["2024-08-07"] * 2 + ["2024-08-06"] * 2), ("2024-08-07", "2024-08-06")),
        (pd.Categorical(["b", "b", "a", "a"]), ("b", "a")),
        ([b"x", b"x", b"y", b"y"], ("x", "y")),
    ],
)
def test_subjects_and_sessions_are_text_in_order_of_appearance(ids, names):
    frame = table(PLAIN).iloc[:4].assign(trial=[0, 1, 0, 1])
    assert from_table(frame.assign(session=ids)).names.sessions == names
    trials = from_table(frame.assign(subject=ids))
    assert trials.names.subjects == names
    assert trials.subject.tolist() == [0, 1]


def test_subjects_can_be_numbered_as_a_fitted_model_numbers_them():
    trials = from_table(table(PLAIN), TableFormat(subjects=("C", "B", "A")))
    assert trials.names.subjects == ("C", "B", "A")
    assert trials.subject.tolist() == [2, 2, 1, 1]


def test_columns_that_may_lack():
    frame = table(PLAIN)
    assert from_table(frame.iloc[:4].drop(columns="subject")).names.subjects == ("subject",)
    numbered = from_table(frame.drop(columns="trial"))
    assert numbered.number.tolist() == [[0, 1, 2, 3]] * 4
    unordered = from_table(frame.assign(trial=[3, 2, 1, 0] * 4), TableFormat(trial=None))
    assert unordered.number.tolist() == [[0, 1, 2, 3]] * 4
    one = from_table(frame.assign(trial=np.arange(16)), TableFormat(subject=None, session=None))
    assert (one.names.subjects, one.names.sessions) == (("subject",), ("session",))
    assert one.length.tolist() == [16]
    several = from_table(frame.drop(columns=["session", "trial"]), TableFormat(session=None))
    assert several.session_labels == ("A/session", "B/session")


def test_outcomes_signals_context_and_instructed_trials_are_read_as_they_are():
    frame = table(PLAIN).iloc[:4]
    frame = frame.assign(
        reward=[True, False, True, False],
        distractor=["1", "0.25", " ", "1e-3"],
        choice=[0, 1, None, 1],
        da=pd.array([0.1, None, -3, 4], "Float64"),
        p=np.array([0.1, 0.9, np.nan, np.inf], np.float32),
        forced=["TRUE", "false", 1, 0],
    )
    format = TableFormat(
        outcome=("reward", "distractor"), signal=("da",), context=("p",), instructed="forced"
    )
    trials = from_table(frame, format)
    np.testing.assert_array_equal(trials.outcome[0], [[1, 1], [0, 0.25], [1, np.nan], [0, 1e-3]])
    np.testing.assert_array_equal(trials.signal[0, :, 0], [0.1, np.nan, -3, 4])
    np.testing.assert_array_equal(trials.context[0, :, 0], frame["p"].astype(float))
    assert trials.instructed[0].tolist() == [True, False, True, False]
    assert "forced" in to_table(trials, format)
    assert "instructed" not in to_table(from_table(table(PLAIN)))


def test_optional_context_is_read_where_the_table_has_it():
    frame = table(PLAIN).assign(p_0=np.linspace(0, 1, 16), p_1=0.5)
    format = TableFormat(context=("p_1",), optional_context=("p_0", "p_1", "p_2", "reward"))
    trials = from_table(frame, format)
    assert trials.names.contexts == ("p_1", "p_0")
    np.testing.assert_array_equal(trials.context[trials.in_session][:, 1], frame["p_0"])
    assert_same(from_table(to_table(trials), format_of(trials)), trials)
    assert from_table(table(PLAIN), TableFormat(optional_context=("p",))).names.contexts == ()


@pytest.mark.parametrize(
    ("name", "options", "subjects", "sessions", "n_trials"),
    [
        ("mouse_bandit_photometry.parquet", {"signal": ("auc_outcome",)}, 7, 38, 15_461),
        ("human_bandit.parquet", {}, 101, 202, 132_251),
        ("monkey_matching_pennies.parquet", {}, 1, 84, 42_000),
        ("bandit_717531_photometry_trials.csv", {"signal": ("da_outcome",)}, 1, 1, 672),
        ("rat_units_trials.csv", {"session": None}, 1, 1, 338),
    ],
)
def test_real_tables(shared_data, tmp_path, name, options, subjects, sessions, n_trials):
    trials = from_table(shared_data / name, TableFormat(**options))
    assert len(trials.names.subjects) == subjects
    assert trials.n_sessions == sessions
    assert trials.length.sum() == trials.valid.sum() == n_trials
    assert trials.names.choices == (0, 1)
    source = read_table(shared_data / name)
    np.testing.assert_array_equal(to_table(trials)["reward"], source["reward"])
    for signal in trials.names.signals:
        np.testing.assert_array_equal(to_table(trials)[signal], source[signal].astype(float))
    write_table(to_table(trials), tmp_path / "copy.csv")
    assert_same(from_table(tmp_path / "copy.csv", format_of(trials)), trials)


def test_session_labels_of_the_mice_keep_their_zeros(shared_data):
    trials = from_table(shared_data / "mouse_bandit_photometry.parquet")
    assert trials.session_labels[0] == "WCL23/060223"
    assert len(set(trials.names.sessions)) < 38  # mice share dates


def test_rows_cost_no_python(tmp_path):
    """Ten times the rows, with the same distinct cells and sessions, call no more of Python: every
    loop over rows is one of NumPy, pandas or Arrow."""
    calls = []
    for rows in (2_000, 20_000):
        n = rows // 4
        frame = pd.DataFrame(
            {
                "subject": np.repeat(["A", "B"], 2 * n),
                "session": np.tile(np.repeat(["1", "2"], n), 2),
                "trial": np.tile(np.arange(n), 4),
                "choice": np.resize(["left", "right", ""], rows),
                "reward": np.resize([0, 1, 1], rows),
                "dopamine": np.resize([0.5, np.nan, -1.25], rows),
                "forced": np.resize(["true", "false"], rows),
            }
        )
        path = tmp_path / f"{rows}.csv"
        write_table(frame, path)
        format = TableFormat(signal=("dopamine",), instructed="forced")
        from_table(path, format)  # what is imported or compiled once is not counted
        calls.append(python_calls(lambda path=path, format=format: from_table(path, format)))
    assert calls[0] < 100_000
    assert calls[1] < 1.02 * calls[0]


def test_two_sessions_of_one_label_cannot_become_a_table():
    choice = np.zeros((2, 3), int)
    names = TrialNames(sessions=("1", "1"), subjects=("A", "A"), choices=(0, "left"))
    trials = trials_from_arrays(
        choice, np.zeros((2, 3, 1)), number=np.array([[0, 1, 1], [0, 1, 2]]), names=names
    )
    with pytest.raises(DataError) as caught:
        to_table(trials, TableFormat(choice="reward"))
    message = str(caught.value)
    assert 'column "reward" is named twice' in message
    assert 'subject "A" is named twice' in message
    assert 'session "1" is named twice' in message
    assert 'choice codes 0 and "left" have several types' in message
    assert "trial numbers are not ascending" in message


def test_blank_names_cannot_become_a_table():
    for names in (TrialNames(sessions=(" ",)), TrialNames(choices=("", "x"))):
        trials = trials_from_arrays(np.zeros((1, 3), int), np.zeros((1, 3, 1)), names=names)
        with pytest.raises(DataError, match="a subject, session or choice code is blank"):
            to_table(trials)


def test_a_pattern_names_all_signals_like_it():
    units = {"unit_r": [1.0, 0.0], "unit_2": 5.0, "unit_10": 6.0, "xunit_3": 7.0}
    frame = pd.DataFrame({"session": 1, "choice": [0, 1]} | units | {"u*": 8.0, "u[2": 9.0})

    def read(*signal):
        return from_table(frame, TableFormat(outcome=("unit_r",), signal=signal)).names.signals

    assert read("unit_*") == ("unit_2", "unit_10")  # not the outcome
    assert read("unit_10", "unit_*") == ("unit_10", "unit_2")
    assert read("unit_?") == ("unit_2",)
    assert read("u*") == ("u*",)  # its own name
    assert read("u[*") == ("u[2",)
    with pytest.raises(DataError, match=r'column "da_\*": no column is like it'):
        read("da_*")


def test_a_choice_with_a_blank_outcome_is_missed_where_that_is_said():
    outcomes = {"reward": [1.0, None, 0.0, None], "tone": [0.0, 1.0, None, 1.0]}
    frame = pd.DataFrame({"session": 1, "choice": ["L", "R", "L", None]} | outcomes)
    format = TableFormat(outcome=("reward", "tone"))
    with pytest.raises(DataError, match=r"blank though a choice was made.*--blank-outcome missed"):
        from_table(frame, format)
    read = from_table(frame, dataclasses.replace(format, blank_outcome="missed"))
    assert read.choice.tolist() == [[0, -1, -1, -1]]
    assert read.names.choices == ("L", "R")
    assert read.outcome[0, 2, 0] == 0.0  # kept as it was measured
    alone = dataclasses.replace(format, outcome=("reward",), blank_outcome="missed")
    assert from_table(frame, alone).choice.tolist() == [[0, -1, 0, -1]]
    frame.loc[[0, 2], "reward"] = None
    with pytest.raises(DataError, match="no valid choice in session"):
        from_table(frame, alone)
