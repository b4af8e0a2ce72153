"""Models survive the disk, bit for bit; damaged files give one clear error."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.errors import DataError
from accumbens.io.models import load_model, save_model
from accumbens.models.dfq import DFQ
from accumbens.models.disrnn import DisRNN, DisRNNConfig
from accumbens.models.gru import GRU
from accumbens.models.naive import Naive
from accumbens.models.q_learning import QLearning

MODELS = {
    "q_learning": QLearning(0.3, 3.0, gain=[1.0, 2.0], offset=[0.0, 1.0]),
    "dfq": DFQ(0.4, 0.2, 2.0, 0.5),
    "gru": GRU(2, 1, 1, 3, key=jax.random.key(0)),
    "naive": Naive(jnp.eye(2), jnp.ones((2, 1)), jnp.zeros(1), 3),
    "disrnn": DisRNN.initial(
        DisRNNConfig(latents=2, subject_embedding=1),
        outcome_names=("controllable", "distractor"),
        signal_names=("dopamine",),
        n_subjects=3,
        key=jax.random.key(0),
    ),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_comes_back_as_it_was(name, tmp_path):
    model = MODELS[name]
    save_model(model, tmp_path / name)
    loaded = load_model(tmp_path / name)
    assert jax.tree.structure(loaded) == jax.tree.structure(model)
    for saved, back in zip(jax.tree.leaves(model), jax.tree.leaves(loaded), strict=True):
        np.testing.assert_array_equal(saved, back)
        assert (saved.dtype, saved.shape) == (back.dtype, back.shape)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{name}.json", f"{name}.safetensors"]


def test_damage_is_one_clear_error(tmp_path):
    stem = tmp_path / "model"
    with pytest.raises(DataError, match=r"No saved model here: .*model\.safetensors is missing"):
        load_model(stem)
    save_model(MODELS["dfq"], stem)
    weights, text = stem.with_suffix(".safetensors"), stem.with_suffix(".json")
    whole, described = weights.read_bytes(), text.read_text()
    for cut in (0, 5, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:cut])
        with pytest.raises(DataError, match="is damaged"):
            load_model(stem)
    weights.write_bytes(whole)
    for bad in ("", "{", "[]", described.replace("DFQ", "DFX"), '{"format": 1, "model": {}}'):
        text.write_text(bad)
        with pytest.raises(DataError, match="is damaged"):
            load_model(stem)
    text.write_text(described.replace('"format": 1', '"format": 99'))
    with pytest.raises(DataError, match="has format 99; this version reads format 1"):
        load_model(stem)
    text.write_text(described.replace("accumbens.models.dfq", "os"))
    with pytest.raises(DataError, match="is damaged"):
        load_model(stem)


def test_what_cannot_be_saved_is_refused(tmp_path):
    model = Naive(jnp.eye(2), jnp.ones((2, 1)), jnp.zeros(1), 2)
    object.__setattr__(model, "n_choices", {2})
    with pytest.raises(DataError, match="Cannot save n_choices: it holds a set"):
        save_model(model, tmp_path / "m")
    assert not list(tmp_path.iterdir())
