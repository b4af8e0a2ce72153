"""Models survive the disk, bit for bit; whatever is wrong with the files is one clear error."""

import dataclasses
import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float
from safetensors.numpy import load, save

from accumbens.errors import DataError
from accumbens.io.models import load_model, save_model
from accumbens.models.catalogue import CATALOGUE
from accumbens.models.dfq import DFQ
from accumbens.models.naive import Naive
from accumbens.models.parts.composed import with_parts
from accumbens.models.registered import PARTS, registered_class, registered_name
from helpers.table import MODELS


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(name, tmp_path):
    model = MODELS[name].model
    save_model(model, tmp_path / name)
    loaded = load_model(tmp_path / name)
    assert jax.tree.structure(loaded) == jax.tree.structure(model)
    for saved, back in zip(jax.tree.leaves(model), jax.tree.leaves(loaded), strict=True):
        np.testing.assert_array_equal(saved, back)
        assert (saved.dtype, saved.shape) == (back.dtype, back.shape)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{name}.json", f"{name}.safetensors"]


def test_files_name_what_is_registered_and_never_where_it_lives(tmp_path):
    saved = set()
    for name, case in MODELS.items():
        save_model(case.model, tmp_path / name)
        text = (tmp_path / f"{name}.json").read_text()
        assert "accumbens" not in text
        description = json.loads(text)
        assert description["format"] == 2
        assert registered_class(description["model"]) is type(case.model)
        saved |= {description["model"], *classes_in(description["fields"])}
    assert saved | {"by_subject"} == {entry.name for entry in CATALOGUE} | set(PARTS)


def classes_in(node):
    """Names of all classes below a node of model.json."""
    if isinstance(node, list):
        return set().union(*map(classes_in, node))
    if not isinstance(node, dict):
        return set()
    own = {node["class"]} if isinstance(node.get("class"), str) else set()
    return own.union(*(classes_in(inner) for inner in node.values()))


def test_every_registered_class_has_one_name():
    names = [*PARTS, *(entry.name for entry in CATALOGUE)]
    assert len(names) == len(set(names))
    assert [registered_name(registered_class(name)) for name in names] == names
    assert registered_class("os") is None
    assert registered_name(dict) is None


class Saved:
    """A saved model whose files can be changed."""

    def __init__(self, model, stem):
        save_model(model, stem)
        self.stem = stem
        self.weights, self.text = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
        self.arrays = load(self.weights.read_bytes())
        self.described = self.text.read_text()

    def with_array(self, name, array):
        """What `load_model` says when one array is another one."""
        self.weights.write_bytes(save(self.arrays | {name: np.ascontiguousarray(array)}))
        return self.answer()

    def with_text(self, text):
        """What `load_model` says when model.json holds this."""
        self.text.write_text(text)
        return self.answer()

    def with_fields(self, path, change):
        """The same after `change(fields)` of the object at that path, as `core.reader`."""
        description = json.loads(self.described)
        node = description
        for part in filter(None, path.split(".")):
            node = node["fields"][part]
        change(node["fields"])
        return self.with_text(json.dumps(description))

    def answer(self):
        """The message of the DataError, or None if the model loads; the files are then restored."""
        try:
            load_model(self.stem)
        except DataError as error:
            return str(error)
        finally:
            self.weights.write_bytes(save(self.arrays))
            self.text.write_text(self.described)
        return None


ONE_OF_A_KIND = {type(case.model): name for name, case in MODELS.items()}.values()


@pytest.fixture(params=ONE_OF_A_KIND)
def saved(request, tmp_path):
    return Saved(MODELS[request.param].model, tmp_path / request.param)


FREE = {
    "gru": {("embedding", 0), ("embedding", 1)},
    "naive": {("patterns", 1)},
    "history": {("weights", 2)},
}
"""Axes whose length nothing else fixes: subjects and their numbers, kinds of outcome, lags."""


def test_an_array_of_another_shape_is_refused_by_name(saved):
    """Every array, one longer along each axis, and with an axis more."""
    accepted = set()
    for name, array in saved.arrays.items():
        for axis in range(array.ndim):
            more = [(0, int(i == axis)) for i in range(array.ndim)]
            said = saved.with_array(name, np.pad(array, more))
            if said is None:
                accepted.add((name, axis))
        said = saved.with_array(name, array[None])
        assert said is not None
        assert all(part in said for part in (name.split(".")[0], name.split(".")[-1])), said
        assert str((1, *array.shape)) in said
    kind = json.loads(saved.described)["model"]
    assert accepted == FREE.get(kind, set())


def test_parts_that_fit_only_by_themselves_are_refused(tmp_path):
    """Changes of several arrays at once, so that the axes of each part agree."""
    saved = Saved(MODELS["disrnn"].model, tmp_path / "model")

    def changed(change):
        arrays = {name: change(name, x) for name, x in saved.arrays.items()}
        saved.weights.write_bytes(save({k: np.ascontiguousarray(x) for k, x in arrays.items()}))
        return saved.answer()

    reader, own = "core.reader.latent.", "core.bottleneck.log_sigma"
    said = changed(lambda name, x: x[None] if name.startswith(reader) else x)
    assert "core.reader does not fit together (The bottlenecks of latents" in said
    said = changed(lambda name, x: x[:, :-1] if name.startswith(reader) else x)
    assert "core.reader does not fit together (The bottlenecks of latents" in said
    said = changed(lambda name, x: x[:-1] if name in (own, "core.z_initial") else x)
    assert "core does not fit together (A core needs as many latents everywhere" in said
    said = changed(lambda name, x: np.append(x, x[:1]) if name.startswith("signal_units") else x)
    assert "model does not fit together (The parts of a disRNN must have the same number" in said
    said = saved.with_fields("core.bottleneck", lambda f: f.update(multiplier={"array": own}))
    assert "no multiplier, but log_sigma has shape (3,), and there is a multiplier" in said


def test_numbers_that_are_none_are_refused_by_name(saved):
    for name, array in saved.arrays.items():
        if array.size and array.dtype.kind == "f":
            for bad in (np.nan, np.inf):
                worse = array.copy()
                worse.flat[-1] = bad
                assert f"{name} holds numbers that are not finite" in saved.with_array(name, worse)
        whole = array.dtype.kind == "i"  # the powers of a distilled model
        for kind in ("float32" if whole else "int32", "bool"):
            assert f"{name} holds {kind} " in saved.with_array(name, array.astype(kind))
    assert "no field holds the arrays stranger" in saved.with_array("stranger", np.zeros(2))


def test_missing_and_unknown_fields_are_refused_by_name(saved):
    def objects(node, path):
        yield path, node["fields"]
        for field, inner in node["fields"].items():
            if "class" in inner:
                yield from objects(inner, f"{path}.{field}".lstrip("."))

    for path, fields in objects(json.loads(saved.described), ""):
        for field in fields:
            full = f"{path}.{field}".lstrip(".")
            assert f"{full} is missing" in saved.with_fields(path, lambda f, n=field: f.pop(n))
            for other in ({"value": [1]}, {"array": "x"}, {"class": "dfq"}, 3):
                said = saved.with_fields(path, lambda f, n=field, o=other: f.update({n: o}))
                assert said is not None
                assert f" {full}" in said
        said = saved.with_fields(path, lambda f: f.update(more={"value": 1}))
        assert f"{path}.more".lstrip(".") + " is unknown" in said


def test_damage_is_one_clear_error(tmp_path):
    stem = tmp_path / "model"
    with pytest.raises(DataError, match=r"no saved model here: .*model\.safetensors is missing"):
        load_model(stem)
    saved = Saved(DFQ(0.4, 0.2, 2.0, 0.5), stem)
    whole = saved.weights.read_bytes()
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        saved.weights.write_bytes(whole[:cut])
        assert "is damaged" in saved.answer()
    text = saved.described
    for bad, message in {
        "": "is damaged",
        "{": "is damaged",
        "[" * 100_000: "is damaged",
        "[]": "does not say its format",
        text.replace('"format": 2', '"format": "2"'): "does not say its format",
        text.replace('"format": 2', '"format": 0'): "does not say its format",
        text.replace('"dfq"', '"os"'): "model is 'os', which is no known Model",
        text.replace('"dfq"', '"disrnn.reader"'): "model is 'disrnn.reader', which is no known",
        text.replace('"dfq"', "null"): "model is None, which is no known Model",
        '{"format": 2, "model": "dfq", "fields": 3}': "model has no fields",
        '{"format": 2, "model": "dfq"}': "entries format, model, not format, model and fields",
        '{"format": 1, "model": {}}': "model has no class and fields",
        text.replace('"format": 2', '"format": 99'):
            "has format 99; this version of accumbens reads formats up to 2. Update accumbens.",
    }.items():  # fmt: skip
        assert message in saved.with_text(bad), bad[:40]
    assert saved.answer() is None


def test_a_model_of_no_choice_is_refused(tmp_path):
    saved = Saved(DFQ(0.4, 0.2, 2.0, 0.5), tmp_path / "model")
    said = saved.with_fields("", lambda fields: fields.update(n_choices={"value": 1}))
    assert "n_choices is 1, and must be at least 2" in said


def test_what_cannot_be_saved_is_refused(tmp_path):
    model = Naive(jnp.eye(2), jnp.ones((2, 1)), jnp.zeros(1), 2)
    object.__setattr__(model, "n_choices", {2})
    with pytest.raises(DataError, match="Cannot save n_choices: it holds a set"):
        save_model(model, tmp_path / "m")
    with pytest.raises(DataError, match=r"Cannot save learning_rate: .* not finite"):
        save_model(DFQ(float("nan"), 0.2, 2.0, 0.5), tmp_path / "m")

    @dataclasses.dataclass
    class OfAUser:
        pass

    object.__setattr__(model, "n_choices", OfAUser())
    with pytest.raises(DataError, match=r"Cannot save n_choices: OfAUser is not a class of accum"):
        save_model(model, tmp_path / "m")
    assert not list(tmp_path.iterdir())


class OfAUser(DFQ):
    """A class that is not of the package."""


@pytest.mark.parametrize("parts", [{}, {"side_bias": 0.5}], ids=["alone", "with a part"])
def test_a_model_of_a_users_class_comes_back_where_the_class_is_given(parts, tmp_path):
    model = with_parts(OfAUser(0.4, 0.2, 2.0, 0.5, gain=[1.0], offset=[0.0]), **parts)
    save_model(model, tmp_path / "m")
    assert "own:OfAUser" in (tmp_path / "m.json").read_text()
    back = load_model(tmp_path / "m", own=[OfAUser])
    assert jax.tree.structure(back) == jax.tree.structure(model)
    for saved, again in zip(jax.tree.leaves(model), jax.tree.leaves(back), strict=True):
        np.testing.assert_array_equal(saved, again)
    wanted = r"cannot be loaded: .* of the class OfAUser, which is not of accumbens. Define .* own="
    for own in ([], [DFQ]):
        with pytest.raises(DataError, match=wanted):
            load_model(tmp_path / "m", own=own)


def test_a_users_class_that_has_changed_is_said_to_differ(tmp_path):
    class Changed(DFQ):
        bias: Float[Array, ""] = eqx.field(default=0.0)

    Changed.__name__ = "OfAUser"
    save_model(OfAUser(0.4, 0.2, 2.0, 0.5), tmp_path / "m")
    with pytest.raises(DataError, match="bias is missing"):
        load_model(tmp_path / "m", own=[Changed])


class Loose(OfAUser):
    """Annotated without shapes."""

    stay: jax.Array = eqx.field(default=1.0, converter=jnp.asarray)
    shift: float = eqx.field(default=1.0, converter=jnp.asarray)


def test_fields_without_a_shape_come_back(tmp_path):
    save_model(Loose(0.4, 0.2, 2.0, 0.5, stay=3.0, shift=2.0), tmp_path / "m")
    back = load_model(tmp_path / "m", own=[Loose])
    assert (float(back.stay), float(back.shift)) == (3.0, 2.0)
