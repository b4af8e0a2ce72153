"""Compiled networks that read latents, against the same by XLA, which is their specification."""

import dataclasses
import hashlib
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.compiled import loops
from accumbens.compiled.loops import VARIABLE
from accumbens.errors import ConfigError
from accumbens.models.disrnn.readout.cpu import fastest_read, read_along_cpu, why_unavailable
from accumbens.models.disrnn.readout.plain import ReadInputs, ReadNoise, read_along
from accumbens.noise import SessionShare
from helpers.compilers import needs_kernel
from helpers.random_networks import random_mlps

# networks, latents, outside, units, layers, outputs, activation, trials, sessions: odd and even
# numbers of samples (two share a counter), vectors full and not, one piece and many.
SHAPES = [
    (1, 5, 0, 2, 2, 2, "leaky_relu", 40, 37),
    (3, 4, 3, 7, 1, 1, "softplus", 1, 333),
    (2, 1, 2, 16, 0, 3, "relu", 7, 1),
    (1, 2, 1, 20, 3, 1, "tanh", 9, 131),
]


def arguments(shape, *, seed=0, noise=True, dtype: type = np.float32):
    n_nets, n_latents, n_outside, n_units, n_layers, n_outputs, activation, n_trials, n = shape
    n_inputs = n_latents + n_outside
    rng = np.random.default_rng(seed)

    def normal(*size, scale=1.0):
        return jnp.asarray(scale * rng.standard_normal(size), dtype)

    mlps = random_mlps(normal, n_nets, n_inputs, n_units, n_layers, n_outputs, activation)
    key = jnp.asarray(rng.integers(0, 2**32, 2, dtype=np.uint32))
    drawn = ReadNoise(jnp.abs(normal(n_nets, n_inputs, scale=0.5)), key) if noise else None
    before, outside = normal(n_trials, n_latents, n), normal(n_trials, n_outside, n)
    return ReadInputs(mlps, normal(n_nets, n_inputs), drawn, before, outside)


@cache
def value_and_gradients(run):
    @jax.jit
    def both(args, weights):
        def of_floats(mlps, multiplier, sigma, before, outside):
            noise = None if sigma is None else ReadNoise(sigma, *args.noise[1:])
            return run(ReadInputs(mlps, multiplier, noise, before, outside))

        sigma = None if args.noise is None else args.noise.sigma
        floats = (args.mlps, args.multiplier, sigma, args.before, args.outside)
        out, pull = jax.vjp(of_floats, *floats)
        return out, pull(weights)

    return both


def projection(shape):
    size = (shape[0], shape[5], *shape[7:])
    return jnp.asarray(np.random.default_rng(1).standard_normal(size), jnp.float32)


def fingerprint(tree):
    return hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in jax.tree.leaves(tree))).digest()


@needs_kernel
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[:7]}")
def test_values_and_gradients_are_those_without_compiled_code(shape):
    for noise in (True, False):
        args, weights = arguments(shape, noise=noise), projection(shape)
        found = value_and_gradients(read_along_cpu)(args, weights)
        wanted = value_and_gradients(read_along)(args, weights)
        leaves = zip(jax.tree.leaves(wanted), jax.tree.leaves(found), strict=True)
        for i, (a, b) in enumerate(leaves):
            assert a.shape == b.shape
            largest = np.abs(a).max(initial=1e-3)
            np.testing.assert_allclose(b, a, rtol=0, atol=(1e-4 if i else 1e-5) * largest)


@needs_kernel
def test_models_under_vmap_give_the_same_bits_as_alone():
    shape = SHAPES[1]
    models, weights = [arguments(shape, seed=seed) for seed in range(3)], projection(shape)
    both = value_and_gradients(read_along_cpu)
    together = jax.tree.map(lambda *x: jnp.stack(x), *models)
    batched = jax.vmap(both, in_axes=(0, None))(together, weights)
    for i, model in enumerate(models):
        found = jax.tree.map(lambda x, i=i: x[i], batched)
        assert fingerprint(both(model, weights)) == fingerprint(found)
    assert len({fingerprint(both(models[0], weights)) for _ in range(10)}) == 1


@pytest.mark.parametrize("run", [read_along, pytest.param(read_along_cpu, marks=needs_kernel)])
def test_sessions_divided_among_devices_have_the_noise_of_all(run):
    shape = SHAPES[-1]  # an odd number of sessions: pairs of deviates straddle trials
    args, weights = arguments(shape), projection(shape)
    out, gradients = value_and_gradients(run)(args, weights)
    total = 0.0
    for first in range(3):
        share = SessionShare(jnp.uint32(first), jnp.uint32(3), jnp.uint32(shape[-1]))
        part = dataclasses.replace(
            args, noise=args.noise._replace(share=share), before=args.before[..., first::3],
            outside=args.outside[..., first::3],
        )  # fmt: skip
        found, parts = value_and_gradients(run)(part, weights[..., first::3])
        np.testing.assert_allclose(found, out[..., first::3], rtol=0, atol=1e-5)
        total += parts[2]
    np.testing.assert_allclose(total, gradients[2], rtol=0, atol=1e-5 * np.abs(total).max())


@needs_kernel
def test_not_a_number_stays_in_its_sample_and_reaches_the_weights():
    shape = SHAPES[0]
    args = arguments(shape)
    args = dataclasses.replace(args, before=args.before.at[3, 1, 36].set(jnp.nan))
    out, gradients = value_and_gradients(read_along_cpu)(args, projection(shape))
    assert np.isnan(out[:, :, 3, 36]).all()
    assert np.isnan(out).sum() == shape[5]
    assert np.isnan(gradients[0].w_out).all()
    assert np.isnan(gradients[0].w_in[..., 1]).all()


@needs_kernel
def test_which_implementation_runs(monkeypatch):
    args = arguments(SHAPES[0])
    bits = {name: fingerprint(run(args)) for name, run in
            (("plain", read_along), ("compiled", read_along_cpu))}  # fmt: skip
    assert bits["plain"] != bits["compiled"], "or this test tells nothing"
    assert fingerprint(fastest_read(args)) == bits["compiled"]
    monkeypatch.setenv(VARIABLE, "scan")
    assert fingerprint(fastest_read(args)) == bits["plain"]
    monkeypatch.setenv(VARIABLE, "auto")
    monkeypatch.setenv("CXX", "/nonexistent")
    monkeypatch.setattr(loops, "_said", set())
    assert "no C++ compiler" in str(why_unavailable(args))
    with pytest.warns(UserWarning, match="plain scan: there is no C"):
        assert fingerprint(fastest_read(args)) == bits["plain"]
    with jax.enable_x64(True):
        assert "float32 on a CPU" in str(why_unavailable(arguments(SHAPES[0], dtype=np.float64)))


def test_compiled_code_meets_no_array_of_a_wrong_shape():
    right = arguments(SHAPES[1])
    leaves, structure = jax.tree.flatten(right)
    n_refused = 0
    for place, array in enumerate(leaves):
        for axis in range(array.ndim):
            wrong = [*leaves]
            wrong[place] = jnp.concatenate([array, array], axis)
            made = jax.tree.unflatten(structure, wrong)
            with pytest.raises(ConfigError, match="The arrays of a disRNN's networks do not fit"):
                made.__check_init__()
            n_refused += 1
    assert n_refused == (3 + 2 + 4 + 3 + 3 + 2) + 2 + (2 + 1) + 3 + 3
