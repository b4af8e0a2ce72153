"""Bad tables: one error that names file, column and rows, lists everything, says what to do."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest

from accumbens.errors import DataError
from accumbens.io.tables.trials import TableFormat, from_table

SIX = pd.DataFrame(
    {
        "subject": ["A"] * 3 + ["B"] * 3,
        "session": ["1"] * 3 + ["2"] * 3,
        "trial": [0, 1, 2] * 2,
        "choice": [0, 1, 1, 1, 0, 0],
        "reward": [1, 0, 1, 1, 0, 0],
        "da": [0.5, np.nan, -1.0, 2.0, 3.0, 4.0],
    }
)
DA = TableFormat(signal=("da",))


def problems_of(table, format: TableFormat = DA) -> list[str]:
    """The bullets of the one error, without their dashes."""
    with pytest.raises(DataError) as caught:
        from_table(table, format)
    lines = str(caught.value).splitlines()
    found = [line[2:] for line in lines[1:] if line.startswith("- ")]
    assert re.match(rf"Cannot use .* \({len(found)} problems?; rows .*\):$", lines[0])
    return found


def the_problem_of(table, format: TableFormat = DA) -> str:
    (problem,) = problems_of(table, format)
    return problem


def test_the_good_table_has_no_problem():
    from_table(SIX, DA)


@pytest.mark.parametrize(
    ("column", "cells", "problem"),
    [
        (
            "choice",
            [0, 1, 2, 1, 0, 2],
            'column "choice": unknown choice codes 0 (2 rows, first row 0), 1 (2 rows, first row '
            "1) and 2 (2 rows, first row 2); if 2 means a missed trial (choices 0 and 1), use "
            "--missed 2; if 0 means a missed trial (choices 1 and 2), use --missed 0 --choices 1 "
            "2; if not, name all choices in order (--choices 0 1 2).",
        ),
        (
            "choice",
            ["left", "right", "no lick", "left", "left", "left"],
            'column "choice": unknown choice codes "left" (4 rows, first row 0), "right" (1 row, '
            'first row 1) and "no lick" (1 row, first row 2); if no lick means a missed trial '
            "(choices left and right), use --missed 'no lick'; if not, name all choices in order "
            "(--choices left 'no lick' right).",
        ),
        (
            "choice",
            [1, 2, 2, 1, 1, 1],
            'column "choice": unknown choice codes 1 (4 rows, first row 0) and 2 (2 rows, first '
            "row 1); name all choices in order (--choices 1 2).",
        ),
        (
            "choice",
            ["L", "R", "l", "R", "L", "r"],
            'column "choice": codes differ only in case or in blanks: "L" and "l" and "R" and '
            '"r"; write each code in one way.',
        ),
        (
            "choice",
            [0, 1, 1, None, np.nan, None],
            'column "choice", rows 3, 4 and 5: no valid choice in session "B/2"; remove the '
            "session, or check which codes mean missed (--missed).",
        ),
        (
            "reward",
            [1, "yes", 0, "1", "no", "0"],
            'column "reward", rows 1 and 4: not a number: "yes" and "no"; correct these cells.',
        ),
        (
            "reward",
            [1, np.inf, 0, 1, 0, 0],
            'column "reward", row 1: infinite; correct these cells.',
        ),
        (
            "reward",
            [1, np.nan, 0, 1, " ", None],
            'column "reward", rows 1, 4 and 5: blank though a choice was made; fill these cells, '
            "or blank the choice too if the trial was missed (--blank-outcome missed takes it so).",
        ),
        (
            "da",
            [1.0, -np.inf, np.inf, 1, 0, 0],
            'column "da", rows 1 and 2: infinite; correct these cells or leave them blank.',
        ),
        (
            "da",
            ["1.0", "n.a.", "1_000", "1,5", "--", "n.a."],
            'column "da", rows 1 to 5: not a number: "n.a.", "1_000", "1,5" and "--"; correct '
            "these cells or leave them blank.",
        ),
        (
            "da",
            pd.date_range("2024-01-01", periods=6),
            'column "da", rows 0 to 5: not a number: 2024-01-01 00:00:00, 2024-01-02 00:00:00, '
            "2024-01-03 00:00:00 and 3 more; correct these cells or leave them blank.",
        ),
        (
            "da",
            [[1.0, 0], [2.0, 0], None, [1.0, 0], None, None],
            'column "da", rows 0, 1 and 3: not a number: "[1.0, 0]" and "[2.0, 0]"; correct these '
            "cells or leave them blank.",
        ),
        (
            "da",
            [np.nan] * 6,
            'column "da": blank in every row; name another column with --signal.',
        ),
        (
            "trial",
            [0, 1, 1, 2, 1, 3],
            None,
        ),
        (
            "trial",
            [0, 1, np.nan, 0, 1.5, 2],
            'column "trial", rows 2 and 4: not a whole number: 1.5; correct these cells, or count '
            "rows with --trial None if they are in order.",
        ),
        (
            "trial",
            ["0", "1", "two", "0", "1", "2"],
            'column "trial", row 2: not a whole number: "two"; correct these cells, or count rows '
            "with --trial None if they are in order.",
        ),
        (
            "subject",
            ["A", None, "", "B", "B", "B"],
            'column "subject", rows 1 and 2: blank; fill in the subject, or remove these rows.',
        ),
        (
            "session",
            [1, 1, 1, 2, np.nan, 2],
            'column "session", row 4: blank; fill in the session, or remove these rows.',
        ),
    ],
)
def test_one_problem(column, cells, problem):
    found = problems_of(SIX.assign(**{column: cells}))
    if problem is not None:
        assert found == [problem]
        return
    assert found == [
        'column "trial", row 2: a trial number occurs again in session "A/1"; remove the repeated '
        "rows, or give each session its own label; if they are in order (counted anew in each "
        "block, say), --trial None counts rows.",
        'column "trial", row 4: trial numbers decrease in session "B/2"; sort by trial within '
        "sessions, or give each session its own label.",
    ]


def test_rows_of_several_sessions_may_alternate_but_not_out_of_order():
    mixed = SIX.iloc[[0, 3, 1, 4, 2, 5]]
    from_table(mixed, DA)
    assert "row 1: trial numbers decrease" in the_problem_of(SIX.iloc[[0, 3, 2, 4, 1, 5]])


def test_trial_numbers_that_start_anew_without_a_session_column():
    format = dataclasses.replace(DA, session=None)
    frame = pd.concat([SIX.iloc[:3], SIX.iloc[:3]], ignore_index=True)
    assert the_problem_of(frame, format) == (
        'column "trial", rows 3, 4 and 5: a trial number occurs again in session "A/session"; '
        "remove the repeated rows, or name the column that tells sessions apart with --session; if "
        "they are in order (counted anew in each block, say), --trial None counts rows."
    )


def test_a_session_split_across_subjects():
    frame = SIX.assign(session="S", trial=[0, 1, 2, 3, 4, 5])
    assert the_problem_of(frame) == (
        'columns "subject" and "session", rows 3, 4 and 5: session "S" seems to be split across '
        'subjects "A" and "B": their trial numbers together are 0 to 5 without a gap; correct the '
        "subject, or, if these are several sessions, give them different labels."
    )
    from_table(frame.assign(trial=[0, 1, 2, 0, 1, 2]), DA)  # the same date, two animals
    from_table(frame.assign(trial=[0, 1, 2, 4, 5, 6]), DA)  # apart by a gap
    from_table(frame.assign(trial=[0, 1, 2, 2, 3, 4]), DA)  # overlapping
    many = pd.concat([frame.assign(session=str(k)) for k in range(7)], ignore_index=True)
    assert problems_of(many)[-1] == "3 more sessions seem to be split across subjects."


@pytest.mark.parametrize(
    ("column", "renamed", "problem"),
    [
        (
            "choice",
            "Choices",
            'column "choice": there is no such column; did you mean "Choices"? name the column '
            "with --choice.",
        ),
        (
            "reward",
            "rewarded",
            'column "reward": there is no such column; did you mean "rewarded"? name the column '
            "with --outcome.",
        ),
        (
            "da",
            "dopamine",
            'column "da": there is no such column; name the column with --signal.',
        ),
        (
            "session",
            "Date",
            'column "session": there is no such column; did you mean "Date"? name the column with '
            "--session, or use --session None if each subject has one session.",
        ),
        (
            "subject",
            "mouse_id",
            'column "subject": there is no such column; did you mean "mouse_id"? name the column '
            "with --subject, or use --subject None if all rows are of one subject.",
        ),
        (
            "trial",
            "Trial Number",
            'column "trial": there is no such column; did you mean "Trial Number"? name the column '
            "with --trial, or use --trial None if the rows are in order.",
        ),
    ],
)
def test_a_missing_column(column, renamed, problem):
    frame = SIX.rename(columns={column: renamed})
    assert the_problem_of(frame) == problem
    columns = ", ".join(frame.columns)
    with pytest.raises(DataError, match=f"Its columns: {columns}.$"):
        from_table(frame, DA)


def test_a_missing_column_that_the_user_named():
    named = TableFormat(subject="animal", trial="number")
    subject, trial = problems_of(SIX, named)
    assert 'column "animal": there is no such column; did you mean "subject"? name' in subject
    assert 'column "number": there is no such column; did you mean "trial"? name' in trial
    indexed = SIX.set_index(["subject", "session"])
    subject, session = problems_of(indexed, TableFormat(subject="subject ", session="session"))
    assert "it is a level of the index: call reset_index() first, or name" in session
    wide = SIX.assign(**{f"x{i}": 0 for i in range(40)})
    with pytest.raises(DataError, match=r"x23 and 16 more\.$"):
        from_table(wide, named)


def test_columns_with_two_uses_or_two_of_one_name():
    format = TableFormat(choice="da", signal=("da",), session="subject")
    assert problems_of(SIX.iloc[:3], format)[:2] == [
        'column "subject": is named for two uses, subject and session; name another column with '
        "--session.",
        'column "da": is named for two uses, choice and signal; name another column with --signal.',
    ]
    twice = pd.concat([SIX, SIX[["reward"]]], axis=1)
    assert the_problem_of(twice) == (
        'column "reward": 2 columns have this name (columns 5 and 7 of the table); rename or '
        "remove all but one."
    )


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (
            {"choices": ("0", "2")},
            'column "choice": codes 1 (3 rows, first row 1) are not among the choices 0 and 2; '
            "correct them, add them to the choices (--choices), or name those that mean a missed "
            "trial (--missed).",
        ),
        (
            {"choices": ("0", "1", "1")},
            'column "choice": the choices "0", "1" and "1" (--choices) are fewer than two, repeat '
            "a code, or include one that is also named as missed; name each code of a choice once.",
        ),
        (
            {"subjects": ("A", "C")},
            'column "subject", rows 3, 4 and 5: subject "B" is not among the subjects '
            "(--subjects); add it, or remove these rows.",
        ),
        (
            {"subjects": ("A", "B", "A")},
            'column "subject": the subjects "A", "B" and "A" (--subjects) repeat a name; name '
            "each once.",
        ),
        (
            {"context": ("subject_age",)},
            'column "subject_age", row 0: not a number: "old"; correct these cells, or do not name '
            "this column as --context.",
        ),
        (
            {"instructed": "forced"},
            'column "forced", rows 3 and 4: neither true (1) nor false (0): "maybe"; correct these '
            "cells.",
        ),
    ],
)
def test_options_that_do_not_fit_the_table(options, problem):
    frame = SIX.assign(
        subject_age=["old", 1, 2, 3, 4, None], forced=[True, False, 1, "maybe", None, "0"]
    )
    assert the_problem_of(frame, TableFormat(**options)) == problem


def test_choices_named_twice_over():
    for options in ({"choices": ("0",)}, {"choices": ("0", "1"), "missed": ("1",)}):
        assert "are fewer than two, repeat a code" in problems_of(SIX, TableFormat(**options))[0]


def test_a_column_of_numbers_taken_for_the_choice():
    frame = pd.concat([SIX] * 5, ignore_index=True)
    frame = frame.assign(trial=np.arange(30), da=np.arange(30) / 7)
    assert the_problem_of(frame, TableFormat(choice="da", session=None, subject=None)) == (
        'column "da": unknown choice codes 0 (1 row, first row 0), 0.14285714285714285 (1 row, '
        "first row 1), 0.2857142857142857 (1 row, first row 2) and 27 more; name the column of "
        "the choices (--choice)."
    )


def test_every_problem_is_listed_with_the_rows_of_the_file(tmp_path):
    path = tmp_path / "trials.csv"
    path.write_text(
        "subject,session,trial,choice,rewarded,da\n"
        "A,1,0,left,1,0.5\n"
        "A,1,1,right,abc,inf\n"
        "\n"
        "A,1,1,right,,x\n"
        "A,1,3,Left,1\n"
        "A,1,3,left,1,,,\n"
        "A,2,0,,0,\n"
        ",2,1,left,0,\n"
    )
    format = TableFormat(outcome=("rewarded",), signal=("da", "dopamine"))
    with pytest.raises(DataError) as caught:
        from_table(path, format)
    assert str(caught.value) == (
        f"Cannot use table {path} (10 problems; rows counted with the header as row 1):\n"
        "- row 6: 5 cells, but the header has 6; add or remove cells.\n"
        "- row 7: 8 cells, but the header has 6; add or remove cells.\n"
        '- column "dopamine": there is no such column; name the column with --signal.\n'
        '- column "rewarded", row 3: not a number: "abc"; correct these cells.\n'
        '- column "rewarded", row 5: blank though a choice was made; fill these cells, or blank '
        "the choice too if the trial was missed (--blank-outcome missed takes it so).\n"
        '- column "da", row 5: not a number: "x"; correct these cells or leave them blank.\n'
        '- column "da", row 3: infinite; correct these cells or leave them blank.\n'
        '- column "subject", row 9: blank; fill in the subject, or remove these rows.\n'
        '- column "trial", row 5: a trial number occurs again in session "A/1"; remove the '
        "repeated rows, or give each session its own label; if they are in order (counted anew in "
        "each block, say), --trial None counts rows.\n"
        '- column "choice", row 8: no valid choice in session "A/2"; remove the session, or check '
        "which codes mean missed (--missed).\n"
        "Its columns: subject, session, trial, choice, rewarded, da."
    )


def test_rows_are_named_as_the_user_sees_them(tmp_path):
    bad = SIX.assign(reward=[1, 0, np.inf, 1, 0, 0])
    assert ", row 2:" in the_problem_of(bad)
    assert ", row 12:" in the_problem_of(bad.set_axis([10, 11, 12, 13, 14, 15]))
    assert ", row c:" in the_problem_of(bad.set_axis(list("abcdef")))
    assert ", row 2:" in the_problem_of(bad.set_axis([0] * 6))  # an index that names no row
    bad.to_parquet(tmp_path / "t.parquet")
    assert ", row 2:" in the_problem_of(tmp_path / "t.parquet")
    bad.to_csv(tmp_path / "t.csv", index=False)
    assert ", row 4:" in the_problem_of(tmp_path / "t.csv")
    bad.assign(subject='A "the\nfirst"').to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "u.csv").write_text("\r\n\r\n" + (tmp_path / "t.csv").read_text())
    assert ", row 4:" in problems_of(tmp_path / "u.csv")[0]  # records where cells break lines


def test_long_lists_of_rows_are_shortened():
    frame = pd.concat([SIX] * 20, ignore_index=True).assign(
        session=np.repeat(np.arange(20), 6), subject="A", trial=np.tile(np.arange(6), 20)
    )
    odd = frame.assign(reward=np.where(np.arange(120) % 2, np.inf, 0))
    assert 'column "reward", rows 1, 3, 5 and 57 more: infinite' in the_problem_of(odd)
    run = frame.assign(reward=np.where(np.arange(120) > 60, np.inf, 0))
    assert 'column "reward", rows 61 to 119: infinite' in the_problem_of(run)
    none = frame.assign(choice=np.where(frame["session"] > 9, np.nan, frame["choice"]))
    assert 'in session "A/10", "A/11", "A/12" and 7 more;' in the_problem_of(none)
    long = SIX.assign(reward=["x" * 100, *SIX["reward"][1:]])
    assert f'not a number: "{"x" * 40}..."' in the_problem_of(long)


def test_an_empty_table():
    assert the_problem_of(SIX.iloc[:0]) == (
        "the table: it has no rows below its header; export it again."
    )
    assert len(problems_of(pd.DataFrame())) == 5
