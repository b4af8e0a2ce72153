"""Who is compared with whom, as found from the levels of sessions."""

import numpy as np
import pytest

from accumbens.errors import ConfigError, DataError
from accumbens.fit.group.contrast.design import contrast_design
from accumbens.trials import TrialNames, trials_from_arrays


def trials(**levels_of):
    """An animal of each name, with a session of three trials at each of its levels."""
    subjects = tuple(levels_of)
    own = [(i, level) for i, name in enumerate(subjects) for level in levels_of[name].split()]
    choice = np.zeros((len(own), 3), int)
    found = trials_from_arrays(
        choice, np.ones((len(own), 3, 1)), subject=np.array([i for i, _ in own]),
        names=TrialNames(subjects=subjects),
    )  # fmt: skip
    levels = dict(zip(found.session_labels, (level for _, level in own), strict=True))
    return found, {label: level for label, level in levels.items() if level != "-"}


def design(column="drug", compare=(), **levels_of):
    return contrast_design(*trials(**levels_of), column, compare)


def test_animals_with_both_levels_are_compared_with_themselves():
    found = design(a="dcz saline saline", b="saline dcz", c="saline", d="dcz - saline")
    assert found.within
    assert found.levels == ("saline", "dcz")
    assert found.trials.names.subjects == ("a", "b", "d")
    assert found.level.tolist() == [1, 0, 0, 0, 1, 1, 0]
    assert found.trials.subject.tolist() == [0, 0, 0, 1, 1, 2, 2]
    assert found.counts()["saline"] == {"animals": 3, "sessions": 4, "choices": 12}
    assert found.sentence() == (
        "drug: dcz less saline, within 3 animals (4 sessions of saline and 3 sessions of dcz)"
    )
    left, one = found.notes
    assert left.startswith("1 session without a level of drug")
    assert "d/7" in left
    assert one == "Left out, since they have sessions at one level of drug alone: c."


def test_animals_with_one_level_each_are_compared_with_each_other():
    found = design("genotype", a="wt wt", b="het", c="het", d="wt", e="wt het")
    assert not found.within
    assert found.levels == ("wt", "het")
    assert found.of_subject().tolist() == [0, 1, 1, 0]
    assert found.sentence() == (
        "genotype: het less wt, between animals: 2 animals of wt and 2 animals of het "
        "(3 sessions of wt and 2 sessions of het)"
    )
    assert found.notes == ("Left out, since it alone has sessions at both levels of genotype: e.",)


def test_levels_that_come_one_after_the_other_are_said():
    message = "In every animal all sessions of early come before those of late"
    for second, said in (("early early late", True), ("late early", False)):
        notes = design("stage", a="early late late", b=second).notes
        assert any(message in note for note in notes) == said
    assert not design("stage", a="early late early", b="early late early").notes
    assert not design("genotype", a="wt", b="wt", c="het", d="het").notes


@pytest.mark.parametrize(
    ("levels", "expected"),
    [("10 9", ("9", "10")), ("low high", ("high", "low")), ("none drug", ("none", "drug")),
     ("B Vehicle", ("Vehicle", "B")), ("True False", ("False", "True"))],
)  # fmt: skip
def test_the_reference_is_a_usual_control_or_the_first_in_order(levels, expected):
    assert design(a=levels, b=levels).levels == expected


def test_two_of_several_levels_are_named():
    several = {"a": "low mid high", "b": "high mid low"}
    message = r"drug has 3 levels \(high, low, mid\).*--contrast-levels high low"
    with pytest.raises(DataError, match=message):
        design(**several)
    found = design(compare=("low", "high"), **several)
    assert found.levels == ("low", "high")
    assert found.level.tolist() == [0, 1, 1, 0]
    assert found.notes == ("Sessions at other levels of drug left out: mid.",)
    for wrong in (("low",), ("low", "low"), ("low", "hgh")):
        with pytest.raises(ConfigError, match=r"compares two levels.*levels of drug are high"):
            design(compare=wrong, **several)


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(DataError, match="drug has one level, dcz, in these sessions"):
        design(a="dcz dcz", b="dcz")
    with pytest.raises(DataError, match="drug has no level in these sessions"):
        design(a="-", b="-")
    message = "With both levels: none; with a alone: m1, m2; b alone: m3. There must be at least 2"
    with pytest.raises(DataError, match=message):
        design(m1="a", m2="a", m3="b")
    with pytest.raises(DataError, match="With both levels: m1; with a alone: m2; b alone: none"):
        design(m1="a b", m2="a")
    doses = " ".join(f"{i / 10}" for i in range(1, 9))
    with pytest.raises(DataError, match=r"dose has 8 levels \(0.1, 0.2, .* and 2 more\)"):
        design("dose", m1=doses, m2=doses)
