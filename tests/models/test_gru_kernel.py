"""The GRU's compiled loop against the scan in double precision, which is its specification."""

import hashlib
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.compiled.loops import VARIABLE
from accumbens.errors import ConfigError
from accumbens.models.gru_loop.choose import fastest_along, implementation
from accumbens.models.gru_loop.cpu import check_shapes, hidden_along_cpu
from accumbens.models.gru_loop.scan import hidden_along
from helpers.compilers import needs_kernel

# Hidden units, trials, sessions: rows of 1 and 2 vectors, full and not; groups of 1 to 8 sessions.
SHAPES = [(1, 6, 1), (5, 40, 3), (16, 60, 13), (20, 7, 130)]


def arguments(shape, *, seed=0, p_missed=0.2, scale=1.0):
    """Random arguments of `hidden_along`, with weights of about the size of a trained network's."""
    n, n_trials, n_sessions = shape
    rng = np.random.default_rng(seed)

    def normal(*size, by=1.0):
        return jnp.asarray(by * rng.standard_normal(size), jnp.float32)

    length = rng.integers(0, n_trials + 1, n_sessions)
    length[0] = n_trials
    valid = np.arange(n_trials)[:, None] < length
    valid &= rng.random(valid.shape) >= p_missed
    return (
        normal(3 * n, n, by=1.5 / n**0.5), normal(n), normal(n_sessions, n),
        normal(n_trials, n_sessions, 3 * n, by=scale), jnp.asarray(valid),
    )  # fmt: skip


def projection(shape, dtype=np.float32):
    n, n_trials, n_sessions = shape
    rng = np.random.default_rng(1)
    sizes = (n_trials, n_sessions, n), (n_sessions, n)
    return tuple(jnp.asarray(rng.standard_normal(size).astype(dtype)) for size in sizes)


@cache
def value_and_gradients(run):
    @jax.jit
    def both(arguments, weights):
        out, pull = jax.vjp(lambda *x: run(*x, arguments[-1]), *arguments[:-1])
        return out, pull(weights)

    return both


def in_double(arguments, weights):
    with jax.enable_x64(True):
        wide = jax.tree.map(lambda x: np.asarray(x, np.float64), (arguments[:-1], weights))
        return jax.tree.map(
            np.asarray, value_and_gradients(hidden_along)((*wide[0], arguments[-1]), wide[1])
        )


def fingerprint(tree):
    return hashlib.sha256(b"".join(np.asarray(x).tobytes() for x in jax.tree.leaves(tree))).digest()


@needs_kernel
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("scale", [1.0, 30.0], ids=["", "saturated"])
def test_values_and_gradients_are_those_of_the_scan(shape, scale):
    for seed, p_missed in enumerate((0.0, 0.3, 1.0)):
        args = arguments(shape, seed=seed, p_missed=p_missed, scale=scale)
        found = value_and_gradients(hidden_along_cpu)(args, projection(shape))
        for a, b in zip(*map(jax.tree.leaves, (in_double(args, projection(shape)), found)),
                        strict=True):  # fmt: skip
            assert a.shape == b.shape
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-5 * np.abs(a).max(initial=1e-3))


@needs_kernel
def test_missed_trials_and_padding_leave_the_hidden_units():
    w, b, initial, x, _ = arguments((5, 4, 3))
    valid = jnp.asarray([[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 0]], bool)
    x = x.at[~valid].set(jnp.nan)  # is not read
    before, last = hidden_along_cpu(w, b, initial, x, valid)
    np.testing.assert_array_equal(before[:, 2], np.broadcast_to(initial[2], (4, 5)))
    np.testing.assert_array_equal(before[:2, 1], np.broadcast_to(initial[1], (2, 5)))
    np.testing.assert_array_equal(before[1, 0], before[2, 0])
    np.testing.assert_array_equal(last, before[3])
    assert (before[3, :2] != initial[:2]).any(axis=1).all()


@needs_kernel
def test_not_a_number_stays_in_its_session_and_reaches_the_weights():
    args = list(arguments((16, 60, 13), p_missed=0.0))
    args[3] = args[3].at[2, 0, 20].set(jnp.nan)
    (before, last), gradients = value_and_gradients(hidden_along_cpu)(
        tuple(args), projection((16, 60, 13))
    )
    assert np.isnan(last[0]).any()
    assert np.isfinite(before[:3]).all()
    assert np.isfinite(last[1:]).all()
    assert np.isnan(gradients[0]).any()


@needs_kernel
def test_models_under_vmap_give_the_same_bits_as_alone():
    shape = SHAPES[2]
    models, weights = [arguments(shape, seed=seed) for seed in range(3)], projection(shape)
    both = value_and_gradients(hidden_along_cpu)
    together = jax.tree.map(lambda *x: jnp.stack(x), *models)
    batched = jax.vmap(both, in_axes=(0, None))(together, weights)
    data = models[0]
    shared = jax.vmap(both, in_axes=((0, 0, None, None, None), None))(
        (*together[:2], *data[2:]), weights
    )
    for i, model in enumerate(models):
        at = partial(jax.tree.map, lambda x, i=i: x[i])
        assert fingerprint(both(model, weights)) == fingerprint(at(batched))
        alone = both((*model[:2], *data[2:]), weights)
        assert fingerprint(alone) == fingerprint(at(shared))
    assert len({fingerprint(both(models[0], weights)) for _ in range(10)}) == 1


@needs_kernel
def test_which_implementation_runs(monkeypatch):
    args = arguments((5, 4, 3))
    assert implementation(*args[:-1]) == "cpu_kernel"
    monkeypatch.setenv(VARIABLE, "scan")
    assert implementation(*args[:-1]) == "scan"
    monkeypatch.setenv(VARIABLE, "compiled")
    monkeypatch.setenv("CXX", "/nonexistent")
    with pytest.raises(ConfigError, match=r"ACCUMBENS_LOOP asks for the compiled .* no C\+\+"):
        fastest_along(*args)
    monkeypatch.setenv(VARIABLE, "auto")
    with pytest.warns(UserWarning, match="GRUs train slowly here, .* there is no C"):
        found = fastest_along(*args)
    np.testing.assert_array_equal(found[0], hidden_along(*args)[0])
    with jax.enable_x64(True):
        w, b, initial, x = (jnp.asarray(np.asarray(a), np.float64) for a in args[:-1])
        assert implementation(w, b, initial, x) == "scan"
        with pytest.raises(ConfigError, match="float32 on a CPU, and the arrays are float64"):
            hidden_along_cpu(w, b, initial, x, args[-1])


def test_compiled_code_meets_no_array_of_a_wrong_shape():
    right = list(arguments((5, 4, 3)))
    check_shapes(*right)
    n_refused = 0
    for place, array in enumerate(right):
        for axis in range(array.ndim):
            wrong = [*right]
            wrong[place] = jnp.concatenate([array, array], axis)
            with pytest.raises(ConfigError, match="The arrays of a GRU do not fit together: "):
                check_shapes(*wrong)
            n_refused += 1
    assert n_refused == 2 + 1 + 2 + 3 + 2
