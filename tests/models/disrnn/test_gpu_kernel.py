"""The GPU's loop against the scan: by the kernel framework's interpreter, and down to Triton.

No test here runs on a GPU; where there is one, the loop is tried against the scan before its first
use (`gpu_kernel.why_unavailable`).
"""

from functools import partial

import jax
import jax.export
import jax.numpy as jnp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accumbens.models.disrnn.recurrence import choose as loop
from accumbens.models.disrnn.recurrence import gpu as gpu_kernel
from accumbens.models.disrnn.recurrence.gpu import run_loop_gpu, why_unavailable
from accumbens.models.disrnn.recurrence.scan import run_loop

from .test_kernel import (
    SHAPES,
    SMALL,
    arguments,
    in_floats,
    projection,
    relative_error,
    some_sessions,
    value_and_gradients,
)

interpreted = partial(run_loop_gpu, interpret=True)
TRITON = jax.export.DisabledSafetyCheck.custom_call("__gpu$xla.gpu.triton")


@pytest.mark.parametrize("shape", SHAPES[:4], ids=lambda shape: f"{shape[:4]}")
def test_values_and_gradients_are_those_of_the_scan(shape):
    @settings(max_examples=5, deadline=None, derandomize=True)
    @given(
        seed=st.integers(0, 2**31),
        noise=st.booleans() if shape in SHAPES[:2] else st.just(True),
        lengths=st.lists(st.integers(0, shape[4]), min_size=shape[5], max_size=shape[5]),
    )
    def check(seed, noise, lengths):
        args = arguments(shape, seed=seed, noise=noise, lengths=lengths)
        weights = projection(shape, seed)
        expected, expected_gradients = value_and_gradients(run_loop)(args, weights)
        found, gradients = value_and_gradients(interpreted)(args, weights)
        for name, a, b in zip(found._fields, expected, found, strict=True):
            assert relative_error(a, b) < 1e-5, name
        errors = jax.tree.map(relative_error, expected_gradients, gradients)
        assert max(jax.tree.leaves(errors)) < 1e-4, errors

    check()


def test_sessions_divided_among_devices_have_the_noise_of_all():
    args, weights = arguments(SHAPES[2], seed=4), projection(SHAPES[2], 5)
    out = value_and_gradients(run_loop)(args, weights)[0]
    own = jax.tree.map(lambda x: x[..., 1::3], weights)
    found = value_and_gradients(interpreted)(some_sessions(args, 1, 3), own)[0]
    for whole, part in zip(out, found, strict=True):
        assert relative_error(whole[..., 1::3], part) < 1e-5


def test_models_under_vmap_are_those_alone():
    models, weights = [arguments(SMALL, seed=seed) for seed in range(3)], projection(SMALL, 5)
    together = jax.tree.map(lambda *x: jnp.stack(x), *models)
    both = jax.vmap(value_and_gradients(interpreted), in_axes=(0, None))(together, weights)
    for i, model in enumerate(models):
        alone = value_and_gradients(interpreted)(model, weights)
        errors = jax.tree.map(lambda a, b, i=i: relative_error(a, b[i]), alone, both)
        assert max(jax.tree.leaves(errors)) < 1e-6


@pytest.mark.parametrize("models", [0, 3])
@pytest.mark.parametrize("shape", [SHAPES[1], SHAPES[2], (5, 16, 2, "softplus", 8, 40)])
def test_forward_and_gradient_lower_to_triton(shape, models):
    """The code for a GPU can be made without one; only running it cannot."""
    args, weights = arguments(shape, seed=0), projection(shape, 1)
    of_floats, floats = in_floats(run_loop_gpu, args)

    def both(*floats):
        out, pull = jax.vjp(of_floats, *floats)
        return out, pull(weights)

    if models:
        floats = jax.tree.map(lambda x: jnp.stack([x] * models), floats)
        both = jax.vmap(both)
    made = jax.export.export(jax.jit(both), platforms=["cuda"], disabled_checks=[TRITON])(*floats)
    assert made.mlir_module().count("__gpu$xla.gpu.triton") == 2


def test_without_a_gpu_the_reason_is_given(monkeypatch):
    args = arguments(SMALL, seed=0)
    assert "runs on a GPU, and the default device is a cpu" in why_unavailable(args)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    gpu_kernel._why_not_here.cache_clear()
    assert "could not be run" in why_unavailable(args)
    gpu_kernel._why_not_here.cache_clear()


@pytest.mark.parametrize("traced", [False, True])
def test_the_trial_compares_with_the_scan_even_while_training_is_traced(monkeypatch, traced):
    """Played through by the interpreter in the GPU's place, as it is and with a wrong result."""

    def reason():
        gpu_kernel._why_not_here.cache_clear()
        found = []
        if traced:
            jax.jit(lambda x: (found.append(gpu_kernel._why_not_here()), x)[1])(jnp.ones(2))
        else:
            found.append(gpu_kernel._why_not_here())
        gpu_kernel._why_not_here.cache_clear()
        return found[0]

    monkeypatch.setattr(gpu_kernel, "run_loop_gpu", interpreted)
    assert reason() is None

    def wrong(inputs):
        out = interpreted(inputs)
        return out._replace(before=1.01 * out.before)

    monkeypatch.setattr(gpu_kernel, "run_loop_gpu", wrong)
    assert "from the scan here" in reason()


def test_a_gpu_that_passes_its_trial_is_chosen(monkeypatch):
    args = arguments(SMALL, seed=0)
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(gpu_kernel, "_why_not_here", lambda: None)
    assert loop.choose_loop(args).name == "gpu_kernel"
    reason = "the GPU kernel is off"
    monkeypatch.setattr(gpu_kernel, "_why_not_here", lambda: reason)
    assert loop.choose_loop(args) == loop.Choice("scan", run_loop, reason)
