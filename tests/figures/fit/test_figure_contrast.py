"""The figure of a contrast: animals at both levels, and the group's difference."""

import numpy as np
from matplotlib.figure import Figure

from accumbens.figures.fit.contrast import contrast_data, draw_contrast

SUBJECTS = {
    "m1": {"reference": 0.2, "other": 0.4, "difference": 0.2},
    "m2": {"reference": 0.3, "other": 0.3, "difference": 0.0},
    "m3": {"reference": 0.3, "other": 9.0, "difference": 8.7},
}


def record(subjects=SUBJECTS, names=("learning_rate", "side_bias")):
    group = {"reference": 0.25, "other": 0.35, "difference": 0.1, "low": -0.1, "high": 0.3}
    by_name = dict.fromkeys(names, 0.25)
    return {
        "levels": ["saline", "dcz"], "sentence": "drug: dcz less saline, within 3 animals",
        "parameters": dict.fromkeys(names, group), "notes": ["A note."],
        "subjects": {subject: dict.fromkeys(names, own) for subject, own in subjects.items()},
        "animals": {"null": "nothing", "p": by_name, "p_family": by_name},
    }  # fmt: skip


def drawn(**options):
    data, fig = contrast_data(record(**options), "DFQ"), Figure()
    draw_contrast(data, fig)
    return data, fig


def test_what_is_drawn_is_what_the_record_says():
    data, fig = drawn()
    assert data.table().shape == (6, 12)
    rate, bias, differences, _ = fig.axes
    assert (rate.get_ylabel(), bias.get_ylabel()) == (
        "learning rate\n(share per trial)", "side bias\n(log-odds)",
    )  # fmt: skip
    assert [tick.get_text() for tick in rate.get_xticklabels()] == ["saline", "dcz"]
    first, second, far = (rate.lines[i].get_ydata() for i in range(3))
    assert list(first) == [0.2, 0.4]
    assert list(second) == [0.3, 0.3]
    assert far[1] == rate.get_ylim()[1] < 1, "an animal far out hides the others"
    group = rate.lines[-1].get_ydata()
    assert list(group) == [0.25, 0.35]
    assert list(differences.lines[2].get_ydata()) == [-0.1, 0.3]
    assert differences.get_title() == "p = 0.25"
    words = " ".join(text.get_text() for text in fig.texts).replace("\n", " ")
    assert "within 3 animals" in words
    assert "A note." in words


def test_animals_with_one_level_have_a_dot_and_no_line():
    own = {f"m{i}": {"reference": 0.2 + 0.1 * i, "other": None, "difference": None}
           for i in range(3)}  # fmt: skip
    own["m3"] = {"reference": None, "other": 0.4, "difference": None}
    _, fig = drawn(subjects=own, names=("learning_rate",))
    levels, differences = fig.axes
    assert not np.isfinite([line.get_ydata() for line in levels.lines[:4]]).all(1).any()
    assert np.isfinite(levels.lines[4].get_ydata()).sum() == 3
    assert len(differences.lines[1].get_ydata()) == 0


def test_panels_go_on_in_a_second_row():
    _, fig = drawn(names=tuple("abcdef"))
    assert len(fig.axes) == 12
