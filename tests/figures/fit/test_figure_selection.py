"""The figure of a selection: what is drawn is what the record says."""

import math

import pytest
from matplotlib.figure import Figure

from accumbens.errors import ConfigError
from accumbens.figures.fit.held_out_curves import draw_held_out_curves, held_out_curves_data
from accumbens.figures.fit.selection import draw_selection, selection_data

ROUTES = [(0.5, 0, 0), (1.0, 0, 0), (1.0, 2, 0), (1.0, 2, 1)]


def record():
    candidates = [
        {
            "share": share, "embedding": embedding, "start": start, "step": step,
            "factor": step / 500,
            "inner_normalized_likelihood": 0.6 + 0.01 * i + step / 1e6,
            "fitted_normalized_likelihood": 0.7, "expected_normalized_likelihood": 0.65,
            "standard_error_of_difference": 0.001 * i,
            "open_latents": 2 if i == 2 else None,
            "open_latents_of_folds": [3, 3, 4, 5],
        }
        for i, (share, embedding, start) in enumerate(ROUTES)
        for step in (600, 650, 700)
    ]  # fmt: skip
    chosen = {"share": 1.0, "embedding": 2, "start": 0, "step": 650}
    return {**chosen, "candidates": candidates, "cognitive_models": {"bias": 0.5, "dfq": 0.61}}


def test_a_row_a_candidate_and_one_of_them_chosen():
    table = selection_data(record()).table()
    assert len(table) == 12
    chosen = table[table["chosen"]]
    assert chosen[["share", "embedding", "start", "step"]].values.tolist() == [[1.0, 2, 0, 650]]
    assert table["open_latents"].tolist() == [3.5] * 6 + [2.0] * 3 + [3.5] * 3


def test_a_line_a_route_and_each_looks_like_no_other():
    fig = Figure()
    draw_selection(selection_data(record(), "7 mice"), fig)
    above, below = fig.axes
    lines = [line for line in above.lines if len(line.get_xdata()) == 3]
    assert len(lines) == len(ROUTES)
    looks = {(line.get_color(), str(line._unscaled_dash_pattern)) for line in lines}
    assert len(looks) == len(ROUTES)
    assert [line.get_label() for line in lines] == [
        "share 0.5", "share 1", "share 1, subjects apart", "share 1, subjects apart, start 1",
    ]  # fmt: skip
    assert lines[2].get_ydata()[1] == pytest.approx(0.62 + 650 / 1e6)
    bands = [band.get_paths()[0].vertices[:, 1] for band in above.collections]
    assert len(bands) == len(ROUTES)
    top = math.log(0.63 + 700 / 1e6) + 1.96 * 0.003
    assert math.log(bands[3].max()) == pytest.approx(top, abs=1e-5)
    ring = next(line for line in above.lines if line.get_label() == "chosen")
    assert ring.get_xdata() == [1.3]
    assert [line.get_ydata()[0] for line in below.lines][:4] == [3.5, 3.5, 2.0, 3.5]
    assert "7 mice" in " ".join(text.get_text() for text in fig.texts)


def test_a_record_without_candidates_has_no_figure():
    with pytest.raises(ConfigError, match="holds no candidates"):
        selection_data({"candidates": []})
    with pytest.raises(ConfigError, match="holds no candidates"):
        held_out_curves_data({"candidates": []})


def test_fitted_and_held_out_likelihood_are_drawn_along_each_path():
    fig = Figure()
    data = held_out_curves_data(record(), "7 mice")
    draw_held_out_curves(data, fig)
    assert data.table()["chosen"].sum() == 1
    panels = [ax for ax in fig.axes if ax.get_visible()]
    assert [ax.get_title() for ax in panels] == [
        "share 0.5", "share 1", "share 1, subjects apart", "share 1, subjects apart, start 1",
    ]  # fmt: skip
    for i, ax in enumerate(panels):
        fitted, held_out, reference, ring = ax.lines
        assert fitted.get_xdata().tolist() == held_out.get_xdata().tolist() == [600, 650, 700]
        assert fitted.get_ydata().tolist() == [0.7] * 3
        assert held_out.get_ydata() == pytest.approx(
            [0.6 + 0.01 * i + s / 1e6 for s in (600, 650, 700)]
        )
        assert reference.get_ydata() == [0.61, 0.61]
        assert list(ring.get_xdata()) == ([650] if i == 2 else [])
        low, high = ax.get_ylim()
        assert low < 0.6 < 0.7 < high


def test_what_rises_from_chance_does_not_press_the_curves_together():
    made = record()
    for candidate in made["candidates"]:
        candidate["step"] -= 600
        if candidate["step"] == 0:
            candidate["inner_normalized_likelihood"] = 0.1
    fig = Figure()
    draw_held_out_curves(held_out_curves_data({**made, "step": 50}), fig)
    assert 0.5 < fig.axes[0].get_ylim()[0] < 0.6


def test_runs_that_did_not_record_the_fitted_likelihood_keep_the_other():
    made = record()
    for candidate in made["candidates"]:
        del candidate["fitted_normalized_likelihood"]
    fig = Figure()
    draw_held_out_curves(held_out_curves_data(made), fig)
    assert len(fig.axes[0].lines) == 4
    assert fig.axes[0].get_ylim()[1] < 0.65
