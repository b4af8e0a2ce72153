"""The list of models: whole, without doubles, and read by everything that names models."""

import importlib
import inspect
import itertools
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import accumbens.models
from accumbens.errors import ConfigError
from accumbens.figures.style import CHOICE_COLOURS, model_looks
from accumbens.models.base import Model
from accumbens.models.by_subject import BySubject
from accumbens.models.catalogue import (
    CATALOGUE,
    cognitive,
    find_agent,
    find_fit,
    find_name,
    label_of,
    named_fits,
    plain,
)
from accumbens.models.cognitive import CognitiveModel
from accumbens.models.distilled import Distilled
from accumbens.models.parts.composed import WithParts
from accumbens.run.fit.models import METHODS
from accumbens.threefry import key_of
from helpers import oracles
from helpers.table import MODELS

DOCS = Path(__file__).resolve().parents[2] / "docs"

every_entry = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)


def models_of_the_package():
    """Every class of model that can be made, found by importing all modules of `models`."""
    found = set()
    for module in pkgutil.walk_packages(accumbens.models.__path__, "accumbens.models."):
        for kind in vars(importlib.import_module(module.name)).values():
            if isinstance(kind, type) and issubclass(kind, Model) and not inspect.isabstract(kind):
                found.add(kind)
    return found - {CognitiveModel, WithParts, BySubject, Distilled}  # made of other models


def test_every_model_of_the_package_is_listed_once():
    listed = [entry.model_class for entry in CATALOGUE]
    assert len(set(listed)) == len(listed)
    assert set(listed) == models_of_the_package()


@every_entry
def test_every_model_is_tested_by_its_name(entry):
    assert entry.name in MODELS, f"add {entry.name} to tests/helpers/table.py"
    assert type(MODELS[entry.name].model) is entry.model_class
    if entry.name in cognitive():
        assert callable(getattr(oracles, entry.name, None)), (
            f"add a plain-Python twin {entry.name}() to tests/helpers/oracles.py"
        )


@every_entry
def test_examples_are_whole_and_within_bounds(entry):
    if entry.example is None:
        return
    parameters = entry.model_class.parameters
    needed = {name for name, p in parameters.items() if p.default is None}
    assert needed <= entry.example.keys() <= parameters.keys()
    for name, value in entry.example.items():
        assert parameters[name].low < np.min(value) <= np.max(value) < parameters[name].high


def test_names_and_labels_are_plain_and_mean_one_thing_each():
    names = [entry.name for entry in CATALOGUE]
    assert [plain(name) for name in names] == names
    assert len(set(names)) == len(names)
    fits = list(named_fits().values())
    labels = [plain(fit.label) for fit in fits]
    assert len(set(labels)) == len(fits)
    for fit in fits:
        assert fit.name == plain(fit.name)
        assert find_fit(fit.name) == fit
        assert find_fit(fit.label) == fit
        assert find_fit(fit.label.upper()) == fit
        assert label_of(fit.name) == fit.label


def test_every_fit_that_is_offered_can_be_made():
    assert {fit.model.method for fit in named_fits().values()} == METHODS.keys()


def test_a_models_own_name_stands_for_its_first_fit():
    assert [find_fit(text).name for text in ("DFQ", "dfq", "Dfq signal", "DFQ, choices")] == [
        "dfq_choice", "dfq_choice", "dfq_signal", "dfq_choice",
    ]  # fmt: skip
    assert [find_fit(text).name for text in ("disRNN", "q-learning_choice", "GRU")] == [
        "disrnn", "q_learning", "gru",
    ]  # fmt: skip
    assert find_agent("Structure Mixture").name == "structure_mixture"
    assert label_of("dfq") == "DFQ"
    assert label_of("my own") == "my own"


def test_models_of_a_run_are_found_by_name_or_label():
    names = ("dfq_choice", "disrnn", "My model")
    said = ("dfq, choices", "DFQ_choice", "DISRNN", "my-model", "gru")
    assert [find_name(text, names) for text in said] == [
        "dfq_choice", "dfq_choice", "disrnn", "My model", None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("find", "text", "message"),
    [
        (find_fit, "grue", r"^There is no model 'grue'\. Did you mean gru\? The models that can be "
         r"fitted: disrnn, gru, q_learning, dfq_choice, dfq_signal, "),
        (find_fit, "zzz", r"^There is no model 'zzz'\. The models that can be fitted: disrnn"),
        (find_fit, "History regression", r"^The model History regression cannot be fitted\. The "),
        (find_agent, "two_proces", r"Did you mean two_process\? The models that can be simulated "),
        (find_agent, "disRNN", r"^The model disRNN cannot be simulated without a fit\. The models"),
    ],
)  # fmt: skip
def test_unknown_names_are_answered_with_known_ones(find, text, message):
    with pytest.raises(ConfigError, match=message):
        find(text)


def test_no_two_models_look_the_same():
    looks = model_looks([*(entry.name for entry in CATALOGUE), *named_fits()])
    own = {looks[entry.name] for entry in CATALOGUE}
    assert len(own) == len(CATALOGUE)
    assert not {look.colour for look in own} & set(CHOICE_COLOURS[:2])
    assert looks["dfq_choice"] == looks["dfq"] == looks["dfq_signal"]._replace(filled=True)
    unlisted = model_looks(["disrnn", *(f"mine {i}" for i in range(8))])
    assert len({look[:2] for look in unlisted.values()}) == 9


# Simulation of missing cones (Machado, Oliveira & Fernandes 2009, severity 1), linear RGB.
MISSING_CONES = {
    "none": np.eye(3),
    "red": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                     [-0.003882, -0.048116, 1.051998]]),
    "green": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                       [-0.011820, 0.042940, 0.968881]]),
}  # fmt: skip
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def lab(colour: str, seen) -> np.ndarray:
    """CIE L*a*b* of "#RRGGBB" as an eye without some cones sees it."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = TO_XYZ @ np.clip(seen @ linear, 0, 1) / (TO_XYZ @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("cones", MISSING_CONES)
def test_colours_differ_for_colour_blind_readers(cones):
    """A difference of 15 in L*a*b* is plain at a glance (a just noticeable one is about 2.3)."""
    colours = sorted({entry.colour for entry in CATALOGUE})
    for one, other in itertools.combinations(colours, 2):
        apart = np.linalg.norm(lab(one, MISSING_CONES[cones]) - lab(other, MISSING_CONES[cones]))
        assert apart > 15, (one, other)


@pytest.mark.parametrize("guide", ["README.md", *(f"docs/{g.name}" for g in DOCS.glob("*.md"))])
def test_guides_name_models_that_there_are(guide):
    text = (DOCS.parent / guide).read_text()
    for option, find in (("--models", find_fit), ("--agent", find_agent)):
        for words in re.findall(rf"{option}((?: [a-z]\w+)+)", text):
            assert [find(name).name for name in words.split()]


def test_each_model_has_random_numbers_of_its_own():
    key = jax.random.key(0)
    names = [*named_fits(), "dfq", "qdf", "fdq"]
    keys = [key_of(key, name) for name in names] + [jax.random.fold_in(key, i) for i in range(99)]
    assert len({tuple(jax.random.key_data(k).tolist()) for k in keys}) == len(keys)
    known = jax.random.fold_in(key, int("388dbdeb", 16))  # printf dfq_choice | sha256sum
    assert jax.random.key_data(key_of(key, "dfq_choice")).tolist() == (
        jax.random.key_data(known).tolist()
    )


def test_names_and_labels_are_there_without_jax():
    """Help is printed in less time than JAX takes to be imported."""
    code = (
        "import sys; from accumbens.models.catalogue import agents, named_fits; "
        "print(len(agents()), len(named_fits()), 'jax' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[2:] == ["False", "False"]
