"""A methods section of a fit says what was done, and nothing that was not."""

import re

from accumbens.run.fit.config import FitConfig
from accumbens.run.fit.methods import fit_methods
from accumbens.version import __version__


def metrics(unit="subject", held_out=4, subjects=3, signal=False):
    score = {"dopamine": {"mse": 1.0}} if signal else {}
    return {
        "models": {
            "dfq_choice": {"signal": score, "fit": {"animals": "hierarchical"}},
            "naive": {"signal": score, "fit": {}},
        },
        "unit": unit,
        "verdict": {"sentence": "..."},
        "data": {
            "subjects": subjects, "sessions": 8, "sessions_fitted": 4, "split": "every 2nd",
            "sessions_held_out": held_out, "choices_scored": 1200, "scored_trials_hash": "ab12",
        },
    }  # fmt: skip


def test_it_says_how_models_were_fitted_and_scored():
    said = fit_methods(metrics(), FitConfig(resamples=300))
    assert said.startswith(
        "# Methods: models of choices and signals\n\nModels were fitted to 4 ses"
    )
    assert "4 sessions of 3 subjects and scored on the other 4 (every 2nd; 1,200 scored" in said
    assert "each animal under a group distribution (empirical Bayes)" in said
    assert "300 resamples [2], by Student's t with animals as independent units" in said
    assert "R2 of each signal" not in said
    assert "disRNN" not in said
    assert f"accumbens {__version__} (Python " in said
    assert "R2 of each signal" in fit_methods(metrics(signal=True), FitConfig())
    assert "sessions within animals as" in fit_methods(
        metrics("session within subject"), FitConfig()
    )


def test_every_citation_has_its_reference_and_no_other():
    said = fit_methods(metrics(), FitConfig())
    cited = set(re.findall(r"\[(\d+)\]", said))
    listed = set(re.findall(r"^(\d+)\. ", said, re.MULTILINE))
    assert cited == listed == {"1", "2"}
    assert "Ito, M. & Doya" in said
    assert "Lau" not in said


def test_nothing_held_out_is_said():
    said = fit_methods(metrics(held_out=0), FitConfig())
    assert "scored on the same; no session was held out." in said
    assert "Nothing was held out, so no model is called better than another." in said


def test_a_contrast_is_told_with_its_tests():
    test = {"null": "no animal differs", "unit": "the signs of animals", "number": 64,
            "looked_at": 64, "smallest_p": 2 / 64}  # fmt: skip
    contrast = {
        "sentence": "drug: dcz less saline, within 6 animals (12 sessions of saline and 12 of dcz)",
        "models": {"dfq_choice": {"left_out": "x"}, "q": {"animals": test, "sessions": None}},
    }
    said = fit_methods(metrics() | {"contrast": contrast}, FitConfig())
    assert "were compared (drug: dcz less saline, within 6 animals (12 sessions" in said
    assert "null hypothesis: no animal differs; exchanged: the signs of animals; 64 of 64" in said
    assert "smallest possible p 0.031" in said
    assert "Westfall, P. H." in said
    none = {"contrast": contrast | {"models": {"dfq_choice": {"left_out": "x"}}}}
    assert "were compared" not in fit_methods(metrics() | none, FitConfig())
