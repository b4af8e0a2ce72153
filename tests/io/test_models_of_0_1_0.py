"""Every kind of model that version 0.1.0 could save still loads and says what it said then.

`fixtures/models_0_1_0` was written by the code of 0.1.0: models, some trials, and what each model
said of them (to 7 digits).
"""

import json
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load

from accumbens.errors import DataError
from accumbens.io.migrations import ADDED_SINCE_FORMAT_1, CLASSES_OF_FORMAT_1
from accumbens.io.models import load_model, save_model
from accumbens.models.registered import registered_class
from accumbens.trials import TrialNames, trials_from_arrays
from accumbens.unrolling import unroll

FOLDER = Path(__file__).parents[1] / "fixtures" / "models_0_1_0"
EXPECTED = json.loads((FOLDER / "expected.json").read_text())
MODELS = EXPECTED["models"]


def trials_of(described, n_choices):
    outcome = np.array(described["outcome"], float)
    outcomes = ("reward",) if outcome.shape[2] == 1 else ("controllable", "distractor")
    return trials_from_arrays(
        np.array(described["choice"]),
        outcome,
        subject=np.array(described["subject"]),
        names=TrialNames(choices=tuple(range(n_choices)), outcomes=outcomes, subjects=("a", "b")),
    )


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_0_1_0_says_what_it_said(name, tmp_path):
    expected = MODELS[name]
    model = load_model(FOLDER / name)
    trials = trials_of(EXPECTED["trials"][expected["trials"]], model.n_choices)
    said = unroll(model, trials)
    found = np.asarray(jax.nn.softmax(said.choice_logits))
    np.testing.assert_allclose(found, expected["choice_probabilities"], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        said.signals, np.array(expected["signals"]).reshape(said.signals.shape),
        rtol=1e-5, atol=1e-5,
    )  # fmt: skip
    arrays = load((FOLDER / f"{name}.safetensors").read_bytes())
    added = [f for f in ADDED_SINCE_FORMAT_1.get(name, {}).values() if "tuple" not in f]
    saved = sum(x.size for x in arrays.values())
    assert sum(x.size for x in jax.tree.leaves(model)) == saved + len(added)
    save_model(model, tmp_path / "again")
    again = load_model(tmp_path / "again")
    for one, other in zip(jax.tree.leaves(model), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_class_of_0_1_0_is_among_them():
    saved = {part for name in MODELS for part in classes_in(described(name)["model"])}
    assert saved == set(CLASSES_OF_FORMAT_1)
    assert all(registered_class(name) is not None for name in CLASSES_OF_FORMAT_1.values())


def described(name):
    return json.loads((FOLDER / f"{name}.json").read_text())


def classes_in(node):
    if not isinstance(node, dict):
        return set()
    own = {node["class"]} if isinstance(node.get("class"), str) else set()
    return own.union(*(classes_in(inner) for inner in node.values()))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m["fields"].pop("latent_log_sigma"), "latent_log_sigma is missing"),
        (lambda m: m["fields"].update(more={"value": 1}), "more is unknown"),
        (lambda m: m["fields"]["update_reader"].update({"class": "os:system"}),
         "update_reader is 'os:system', which version 0.1.0 could not save"),
        (lambda m: m["fields"]["update_reader"].pop("fields"), "update_reader has no class and"),
        (lambda m: m["fields"]["signal_mean"].update(array="x"),
         "signal_units.mean is missing from the arrays"),
    ],
)  # fmt: skip
def test_damage_of_format_1_is_named(change, message, tmp_path):
    description = described("disrnn")
    change(description["model"])
    (tmp_path / "m.json").write_text(json.dumps(description))
    (tmp_path / "m.safetensors").write_bytes((FOLDER / "disrnn.safetensors").read_bytes())
    with pytest.raises(DataError, match=message):
        load_model(tmp_path / "m")
