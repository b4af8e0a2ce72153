"""The numbers behind the figures of what units respond to, and that they are drawn whole."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures import (
    draw_outcome_responses,
    draw_selective_fraction,
    draw_unit_effects,
    outcome_responses_data,
    save_figure,
    selective_fraction_data,
    unit_effects_data,
)
from accumbens.figures.style import BLACK, GREEN, PURPLE
from accumbens.neural.units.regions import selectivity_by_region, with_regions
from accumbens.neural.units.selectivity import most_selective

OUTCOMES = ("controllable", "distractor")
REGIONS = {"a": "ACB", "b": "ACB", "c": "MOs"}


EFFECTS = ((2.0, 0.1), (-1.0, 3.0), (0.2, 0.5), (0.0, -0.2))


def table_of(effects=EFFECTS):
    """Unit a responds to the controllable, b to both; b and d tell them apart."""
    units = [chr(ord("a") + i) for i in range(len(effects))]
    x, y = np.array(effects).T
    contrasts = {
        OUTCOMES[0]: (x, [u in "ab" for u in units]),
        OUTCOMES[1]: (y, [u == "b" for u in units]),
        " - ".join(OUTCOMES): (x - y, [u in "bd" for u in units]),
    }
    parts = [
        pd.DataFrame({"unit": units, "contrast": name, "effect": effect, "selective": selective})
        for name, (effect, selective) in contrasts.items()
    ]
    return pd.concat(parts, ignore_index=True)


def test_effects_of_each_unit():
    data = unit_effects_data(with_regions(table_of(), REGIONS), OUTCOMES)
    rows = data.rows.set_index("unit")
    assert rows["x"].tolist() == [2, -1, 0.2, 0]
    assert rows["y"].tolist() == [0.1, 3, 0.5, -0.2]
    assert rows["kind"].tolist() == ["controllable only", "both", "neither", "neither"]
    assert rows["apart"].tolist() == [False, True, False, True]
    assert data.n == {"ACB": 2, "MOs": 1, "": 1}
    assert data.table()["y_outcome"].unique().tolist() == ["distractor"]
    # the rows of the table may come in any order
    shuffled = unit_effects_data(table_of().sample(frac=1, random_state=0), OUTCOMES)
    again = shuffled.rows.sort_values("unit", ignore_index=True)
    assert again[["x", "y", "kind", "apart"]].equals(data.rows[["x", "y", "kind", "apart"]])
    assert shuffled.n == {"": 4}


def test_marks_say_what_units_respond_to(check_drawn, tmp_path):
    data = unit_effects_data(with_regions(table_of(), REGIONS), OUTCOMES, caption="Tests: none.")
    fig = Figure()
    draw_unit_effects(data, fig)
    first = fig.axes[0]
    assert first.get_title() == "ACB (2 units)"
    filled = [c for c in first.collections if len(c.get_offsets()) and len(c.get_facecolor())]
    marks = {tuple(c.get_offsets()[0]): c for c in filled}
    assert tuple(marks[2.0, 0.1].get_facecolor()[0]) == to_rgba(GREEN)
    assert tuple(marks[-1.0, 3.0].get_facecolor()[0]) == to_rgba(PURPLE)
    assert tuple(marks[-1.0, 3.0].get_edgecolor()[0]) == to_rgba(BLACK)
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert words == ["neither (2)", "controllable only (1)", "distractor only (0)", "both (1)",
                     "black rim: tells them apart (2)"]  # fmt: skip
    assert "4 units, a mark each" in fig._supxlabel.get_text()
    check_drawn(fig)
    assert save_figure(fig, tmp_path / "effects", data).stat().st_size > 10_000


@pytest.mark.parametrize("n_regions", [1, 2, 4, 9, 11])
def test_any_number_of_regions_and_a_few_large_effects(n_regions, check_drawn):
    rng = np.random.default_rng(0)
    effects = rng.normal(0, 0.3, (66, 2))
    effects[:3] = [[40, 0], [0.1, -25], [3, 3]]
    table = table_of(effects)
    table["unit"] = [f"unit_{i}" for i in range(66)] * 3
    regions = {f"unit_{i}": f"region {i % n_regions}" for i in range(66)}
    for scale in (1.0, 0.001):
        data = unit_effects_data(
            with_regions(table.assign(effect=scale * table["effect"]), regions), OUTCOMES
        )
        fig = Figure()
        draw_unit_effects(data, fig)
        assert len(fig.axes) == n_regions
        assert fig.axes[0].get_xscale() == "symlog"
        assert "linear to" in fig._supxlabel.get_text()
        check_drawn(fig)


def test_effects_of_one_outcome_cannot_be_drawn():
    one = table_of().query("contrast == 'controllable'")
    with pytest.raises(ConfigError, match="the table has no contrast 'distractor'; it has"):
        unit_effects_data(one, OUTCOMES)


def test_examples_of_units(check_drawn, tmp_path):
    assert most_selective(
        pd.DataFrame({"unit": list("abca"), "q": [0.5, 0.01, 0.01, 0.2],
                      "correlation": [0.1, 0.2, -0.6, 0.9]})
    ) == ("c", "b", "a")  # fmt: skip
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        [(u, o, 9, m, m - 0.5, m + 0.5) for u in "abcdefghijk" for o, m in
         zip(("none", *OUTCOMES, "both"), rng.normal(3, 1, 4), strict=True)],
        columns=pd.Index(["unit", "outcome", "trials", "mean", "low", "high"]),
    )  # fmt: skip
    table.loc[3, ["low", "high"]] = np.nan  # one trial only
    data = outcome_responses_data(table, list("cab"))
    assert data.rows["unit"].tolist() == [u for u in "cab" for _ in range(4)]
    assert len(set(outcome_responses_data(table).rows["unit"])) == 8
    for units in (["a"], list("cab"), None):
        fig = Figure()
        draw_outcome_responses(outcome_responses_data(with_regions(table, REGIONS), units), fig)
        check_drawn(fig)
    assert fig.axes[2].get_title() == "c (MOs)"
    drawn = [line.lines[0].get_ydata()[0] for line in fig.axes[2].containers]
    assert drawn == table.loc[table["unit"] == "c", "mean"].tolist()
    assert save_figure(fig, tmp_path / "units", data).stat().st_size > 10_000
    with pytest.raises(ConfigError, match=r"The table has no responses of x; its units are a, b"):
        outcome_responses_data(table, ["x"])


def test_fractions_are_those_of_the_summary(check_drawn, tmp_path):
    summary = selectivity_by_region(with_regions(table_of(), REGIONS))
    data = selective_fraction_data(summary, "Tests: none.")
    assert data.table().equals(summary)
    fig = Figure()
    draw_selective_fraction(data, fig)
    assert [ax.get_title() for ax in fig.axes] == [*OUTCOMES, "controllable − distractor"]
    assert [t.get_text() for t in fig.axes[0].texts] == ["2/2", "0/1", "0/1"]
    line = fig.axes[1].containers[0].lines[0]
    assert line.get_xdata().tolist() == [0.5, 0, 0]
    assert line.get_ydata().tolist() == [0, 1, 2]
    labels = [t.get_text() for t in fig.axes[0].get_yticklabels()]
    assert labels == ["ACB", "MOs", "region unknown"]
    check_drawn(fig)
    assert save_figure(fig, tmp_path / "fraction", data).stat().st_size > 5_000
    with pytest.raises(ConfigError, match=r"lacks \['low'\]: make it with selectivity_by_region"):
        selective_fraction_data(summary.drop(columns="low"))
