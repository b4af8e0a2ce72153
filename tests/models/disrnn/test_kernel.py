"""The compiled loop against the scan, which is its specification."""

import dataclasses
import hashlib
import os
import subprocess
import sys
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads

from accumbens.errors import ConfigError
from accumbens.models.disrnn.recurrence import cpu as kernel
from accumbens.models.disrnn.recurrence.cpu import run_loop_cpu, why_unavailable
from accumbens.models.disrnn.recurrence.scan import (
    LoopInputs,
    LoopUnrolled,
    Noise,
    deviates,
    run_loop,
)
from accumbens.noise import SessionShare
from helpers.compilers import needs_kernel
from helpers.random_networks import random_mlps

# latents, units, layers, activation, trials, sessions: rows of 1, 2 and 3 vectors, tiles of 1 to 16
# sessions, the last one overlapping the one before it (37 = 13 + 13 + 11, for instance).
SHAPES = [
    (1, 1, 0, "leaky_relu", 6, 1),
    (3, 5, 1, "tanh", 7, 3),
    (7, 16, 4, "leaky_relu", 12, 37),
    (2, 20, 2, "softplus", 9, 16),
    (9, 40, 3, "relu", 5, 67),
]
SMALL = (2, 4, 1, "leaky_relu", 5, 3)


def arguments(shape, *, seed, noise=True, lengths=None, p_missed=0.2, dtype=np.float32):
    """Random inputs of `run_loop`, with weights of about the size of a trained network's."""
    n_latents, n_units, n_layers, activation, n_trials, n_sessions = shape
    n_outside = 1 + n_latents % 3
    n_inputs = n_latents + n_outside
    rng = np.random.default_rng(seed)
    lengths = np.full(n_sessions, n_trials) if lengths is None else np.asarray(lengths)

    def normal(*size, scale=1.0):
        return jnp.asarray(scale * rng.standard_normal(size), dtype)

    mlps = random_mlps(normal, n_latents, n_inputs, n_units, n_layers, 2, activation)
    valid = np.arange(n_trials)[:, None] < lengths
    valid &= rng.random((n_trials, n_sessions)) >= p_missed
    sigma = (normal(n_latents, n_inputs, scale=0.3), normal(n_latents, scale=0.3))
    key = jnp.asarray(rng.integers(0, 2**32, 2, dtype=np.uint32))
    return LoopInputs(
        mlps,
        normal(n_latents, n_inputs),
        Noise(*map(jnp.abs, sigma), key) if noise else None,
        normal(n_latents, n_sessions),
        normal(n_trials, n_outside, n_sessions),
        jnp.asarray(valid),
    )


def in_floats(run, args):
    """`run` as a function of the arguments that it can be differentiated in, and these."""

    def of_floats(mlps, multiplier, sigmas, z_initial, seen):
        noise = None if sigmas is None else Noise(*sigmas, *args.noise[2:])
        return run(LoopInputs(mlps, multiplier, noise, z_initial, seen, args.valid))

    sigmas = None if args.noise is None else tuple(args.noise[:2])
    return of_floats, (args.mlps, args.multiplier, sigmas, args.z_initial, args.seen)


@cache
def value_and_gradients(run):
    """Outputs of `run` and the gradients of a projection of them in all float arguments."""

    @jax.jit
    def both(args, weights):
        of_floats, floats = in_floats(run, args)
        out, pull = jax.vjp(of_floats, *floats)
        return out, pull(weights)

    return both


def projection(shape, seed, dtype=np.float32):
    size = (2, shape[4], shape[0], shape[5])
    return LoopUnrolled(*jnp.asarray(np.random.default_rng(seed).standard_normal(size), dtype))


def relative_error(expected, found):
    """Largest difference of two arrays over the largest absolute number in the expected one."""
    if expected.size == 0:
        return 0.0
    return float(jnp.abs(expected - found).max() / jnp.maximum(jnp.abs(expected).max(), 1e-3))


def assert_same(args, weights):
    expected, expected_gradients = value_and_gradients(run_loop)(args, weights)
    found, gradients = value_and_gradients(run_loop_cpu)(args, weights)
    for name, a, b in zip(found._fields, expected, found, strict=True):
        assert relative_error(a, b) < 1e-5, name
    errors = jax.tree.map(relative_error, expected_gradients, gradients)
    assert max(jax.tree.leaves(errors)) < 1e-4, errors


def fingerprint(tree):
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        digest.update(np.asarray(leaf).tobytes())
    return digest.hexdigest()


@needs_kernel
@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: f"{shape[:4]}")
def test_values_and_gradients_are_those_of_the_scan(shape):
    @settings(max_examples=12, deadline=None, derandomize=True)
    @given(
        seed=st.integers(0, 2**31),
        noise=st.booleans() if shape in SHAPES[:3] else st.just(True),  # each compiles the scan
        p_missed=st.sampled_from([0.0, 0.2, 0.9, 1.0]),
        lengths=st.lists(st.integers(0, shape[4]), min_size=shape[5], max_size=shape[5]),
    )
    def check(seed, noise, p_missed, lengths):
        args = arguments(shape, seed=seed, noise=noise, lengths=lengths, p_missed=p_missed)
        assert_same(args, projection(shape, seed))

    check()


@needs_kernel
def test_extreme_activations_are_those_of_the_scan():
    """Saturated gates and targets, and hidden units far from 0."""
    for shape in SHAPES[1:4]:
        args = arguments(shape, seed=0)
        assert_same(dataclasses.replace(args, seen=30 * args.seen), projection(shape, 1))


@needs_kernel
def test_error_in_long_sessions_is_that_of_float32():
    """Against float64, the loop is as near as the scan in float32 is, over 400 trials."""
    shape = (5, 16, 4, "leaky_relu", 400, 10)
    args, weights = arguments(shape, seed=3), projection(shape, 4)
    found = value_and_gradients(run_loop_cpu)(args, weights)
    scan = value_and_gradients(run_loop)(args, weights)
    with jax.enable_x64(True):
        wide = partial(jax.tree.map, lambda x: x.astype(np.float64) if x.dtype == np.float32 else x)
        truth = value_and_gradients(run_loop)(wide(args), wide(weights))
        for a, b, c in zip(*map(jax.tree.leaves, (truth, found, scan)), strict=True):
            assert relative_error(a, b) < 3 * relative_error(a, c) + 1e-6


def test_scan_gradients_agree_with_finite_differences():
    with jax.enable_x64(True):
        for activation in ("tanh", "softplus", "leaky_relu"):
            args = arguments((2, 3, 2, activation, 4, 3), seed=1, dtype=np.float64)
            of_floats, floats = in_floats(run_loop, args)
            check_grads(
                lambda *x, f=of_floats: f(*jax.tree.map(jnp.asarray, x)),
                floats,
                order=1,
                modes=["rev"],
                eps=1e-5,
                atol=1e-7,
                rtol=1e-7,
            )


def test_deviates_do_not_depend_on_the_sessions_around():
    noise = Noise(jnp.ones((3, 3)), jnp.ones(3), jnp.array([1, 2], jnp.uint32))
    many, few = (deviates(noise, jnp.uint32(5), (3, 4, n)) for n in (11, 6))
    np.testing.assert_array_equal(many[:, :, :6], few)
    others = deviates(noise, jnp.uint32(6), (3, 4, 11))
    everything = np.concatenate([many.ravel(), others.ravel()])
    assert len(np.unique(everything)) == len(everything)


def some_sessions(args, first, every):
    """What a device has that takes every so many of the sessions."""
    share = SessionShare(jnp.uint32(first), jnp.uint32(every), jnp.uint32(args.valid.shape[1]))
    return dataclasses.replace(
        args, noise=args.noise._replace(share=share), z_initial=args.z_initial[:, first::every],
        seen=args.seen[..., first::every], valid=args.valid[:, first::every],
    )  # fmt: skip


@pytest.mark.parametrize("run", [run_loop, pytest.param(run_loop_cpu, marks=needs_kernel)])
def test_sessions_divided_among_devices_have_the_noise_of_all(run):
    shape = SHAPES[2]
    args, weights = arguments(shape, seed=4), projection(shape, 5)
    out, gradients = value_and_gradients(run)(args, weights)
    total = jax.tree.map(jnp.zeros_like, gradients[:3])
    for first in range(3):
        own = jax.tree.map(lambda x, i=first: x[..., i::3], weights)
        found, parts = value_and_gradients(run)(some_sessions(args, first, 3), own)
        for whole, part in zip(out, found, strict=True):
            assert relative_error(whole[..., first::3], part) < 1e-5
        total = jax.tree.map(jnp.add, total, parts[:3])
    errors = jax.tree.map(relative_error, gradients[:3], total)
    assert max(jax.tree.leaves(errors)) < 1e-5, errors


@needs_kernel
def test_latents_are_held_on_missed_trials_and_in_padding():
    args = arguments(SMALL, seed=0, lengths=[5, 2, 0], p_missed=0.0)
    out = run_loop_cpu(args)
    z = args.z_initial
    np.testing.assert_array_equal(out.before[:, :, 2], jnp.broadcast_to(z[:, 2], (5, 2)))
    np.testing.assert_array_equal(out.mean[:, :, 2], out.before[:, :, 2])
    np.testing.assert_array_equal(out.before[3:, :, 1], out.mean[2:4, :, 1])


@needs_kernel
@pytest.mark.parametrize("shape", SHAPES[1:], ids=lambda shape: shape[3])
def test_nan_reaches_the_result(shape):
    args = arguments(shape, seed=0, p_missed=0.0)
    args = dataclasses.replace(args, seen=args.seen.at[1, 0, 1].set(jnp.nan))
    out, gradients = value_and_gradients(run_loop_cpu)(args, projection(shape, 1))
    assert np.isnan(out.mean[1:, 0, 1]).all()
    assert np.isnan(gradients[0].w_out[0]).all()
    assert np.isfinite(out.mean[:, :, 0]).all(), "another session is untouched"
    assert np.isfinite(out.mean[0]).all(), "so are trials before it"


@needs_kernel
def test_models_under_vmap_give_the_same_bits_as_alone():
    shape = SHAPES[2]
    models = [arguments(shape, seed=seed) for seed in range(3)]
    weights = projection(shape, 5)
    together = jax.tree.map(lambda *x: jnp.stack(x), *models)
    batched = jax.vmap(value_and_gradients(run_loop_cpu), in_axes=(0, None))(together, weights)
    for i, model in enumerate(models):
        alone = value_and_gradients(run_loop_cpu)(model, weights)
        assert fingerprint(alone) == fingerprint(jax.tree.map(lambda x, i=i: x[i], batched))


@needs_kernel
def test_models_may_share_their_data():
    models, weights = [arguments(SMALL, seed=seed) for seed in range(3)], projection(SMALL, 5)
    alone = [model.mlps for model in models]

    def loss(mlps):
        out = run_loop_cpu(dataclasses.replace(models[0], mlps=mlps))
        return (out.mean * weights.mean).sum()

    together = jax.tree.map(lambda *x: jnp.stack(x), *alone)
    batched = jax.jit(jax.vmap(jax.grad(loss)))(together)
    for i, mlps in enumerate(alone):
        assert fingerprint(jax.grad(loss)(mlps)) == fingerprint(
            jax.tree.map(lambda x, i=i: x[i], batched)
        )


@needs_kernel
def test_training_inside_a_loop_is_that_of_the_scan():
    args, weights = arguments(SMALL, seed=2), projection(SMALL, 3)

    def trained(run):
        def loss(mlps):
            out = run(dataclasses.replace(args, mlps=mlps))
            return ((out.mean - weights.mean) ** 2).mean()

        def step(mlps, _):
            value, gradient = jax.value_and_grad(loss)(mlps)
            return jax.tree.map(lambda w, g: w - 0.1 * g, mlps, gradient), value

        return jax.jit(lambda: jax.lax.scan(step, args.mlps, length=20)[1])()

    found, expected = trained(run_loop_cpu), trained(run_loop)
    assert expected[-1] < 0.95 * expected[0]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


BITS = """
import os, sys
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
sys.path[:0] = sys.argv[1:]
from test_kernel import SHAPES, arguments, fingerprint, projection, value_and_gradients
from accumbens.models.disrnn.recurrence.cpu import run_loop_cpu
args = arguments(SHAPES[2], seed=0, lengths=[i % 13 for i in range(37)])
print(fingerprint(value_and_gradients(run_loop_cpu)(args, projection(SHAPES[2], 1))))
"""


@needs_kernel
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen here")
def test_bits_do_not_depend_on_threads_or_timing():
    args = arguments(SHAPES[2], seed=0, lengths=[i % 13 for i in range(37)])
    weights = projection(SHAPES[2], 1)
    bits = {fingerprint(value_and_gradients(run_loop_cpu)(args, weights)) for _ in range(20)}
    folder = Path(__file__).parent
    command = [sys.executable, "-c", BITS, folder, folder.parents[1]]
    bits.add(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip())
    assert len(bits) == 1


def test_tiles_hold_all_sessions_and_come_in_pairs():
    for n in range(1, 400):
        tile = kernel.tile_sessions(n)
        n_tiles = -(-n // tile)
        assert 1 <= tile <= kernel.MAX_SESSIONS
        assert tile <= n
        assert n == 1 or n_tiles % 2 == 0 or n_tiles >= 15
        assert n_tiles * tile - n < tile, "no tile is empty"


# ---- where there is no kernel -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("CXX", "/nonexistent", r"no C\+\+ compiler \(CXX=/nonexistent\)"),
        ("PATH", "", r"no C\+\+ compiler \(g\+\+, clang\+\+ or c\+\+ in PATH\)"),
    ],
)
def test_without_a_compiler_the_reason_is_given(monkeypatch, variable, value, reason):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv(variable, value)
    args = arguments(SMALL, seed=0)
    assert not kernel.available()
    with pytest.raises(ConfigError, match=reason):
        run_loop_cpu(args)
    assert "C++ compiler" in why_unavailable(args)


def test_a_failing_compiler_is_quoted(monkeypatch, tmp_path):
    compiler = tmp_path / "c++"
    compiler.write_text(
        "#!/bin/sh\n[ $1 = --version ] && exit 0\necho 'error: bad day' >&2; exit 1\n"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "error: bad day" in why_unavailable(arguments(SMALL, seed=0))
    assert not list((tmp_path / "cache").rglob("*.*")), "nothing is left behind"


def test_other_types_and_empty_arrays_are_reasons():
    with jax.enable_x64(True):
        assert "float64" in why_unavailable(arguments(SMALL, seed=0, dtype=np.float64))
    no_trials = arguments((2, 4, 1, "tanh", 0, 3), seed=0)
    assert "nothing to do (0 trials, 3 sessions)" in why_unavailable(no_trials)
