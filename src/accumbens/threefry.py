"""Random numbers by address: (key, trial, draw) gives the same number whatever surrounds it.

Threefry-2x32 with 20 rounds, the generator behind `jax.random`, as plain arithmetic: inside a scan
XLA fuses it with the model that uses the numbers, which makes them more than ten times cheaper on a
CPU than calls to `jax.random` are.
Source: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

from .errors import ConfigError

Words = UInt32[Array, "..."]
"""Any number of 32-bit words."""

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


def check_key(key: object) -> None:
    """Raises ConfigError for something else than one key of JAX, such as a number."""
    whole = isinstance(key, jax.Array) and (
        (jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ())
        or (key.dtype == jnp.uint32 and key.shape == (2,))
    )
    if not whole:
        shown = key if isinstance(key, int | float | str | None) else f"a {type(key).__name__}"
        raise ConfigError(
            f"key is {shown}, which is not one key of JAX. Make one from a number: key="
            "jax.random.key(0)."
        )


def key_of(key: PRNGKeyArray, name: str) -> PRNGKeyArray:
    """The key of the thing of that name under `key`: another for every name, in any order.

    The first 32 bits of the name's SHA-256 are folded in, so no two names share a stream but by a
    chance of 1 in 4e9; sums over letters would be the same for anagrams.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return jax.random.fold_in(key, int.from_bytes(digest[:4], "big"))


def threefry(key: tuple[Words, Words], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """Two random words for each two-word counter, under a two-word key; all broadcast."""
    schedule = (*key, key[0] ^ key[1] ^ jnp.uint32(PARITY))
    x, y = counter[0] + key[0], counter[1] + key[1]
    for block in range(5):
        for rotation in ROTATIONS[block % 2]:
            x = x + y
            y = ((y << jnp.uint32(rotation)) | (y >> jnp.uint32(32 - rotation))) ^ x
        x = x + schedule[(block + 1) % 3]
        y = y + schedule[(block + 2) % 3] + jnp.uint32(block + 1)
    return x, y


def uniforms(
    key: tuple[Words, Words], trial: UInt32[Array, ""], n: int
) -> tuple[Float[Array, "*shape"], ...]:
    """`n` numbers in the open interval (0, 1) for one trial, of the shape of the key's words.

    Multiples of 2^-23, less half a step: 0 and 1 never occur, so inverse distribution functions
    stay finite.
    """
    pairs = jnp.arange((n + 1) // 2, dtype=jnp.uint32).reshape(-1, *(1,) * jnp.ndim(key[0]))
    words = threefry(key, (trial, pairs))
    return tuple(_unit_interval(words[i % 2][i // 2]) for i in range(n))


def normal_deviates(
    key: tuple[Words, Words], counter: tuple[Words, Words], second: Words
) -> Float[Array, "*shape"]:
    """One of the two independent standard normal deviates at each counter; all broadcast.

    Box and Muller (1958): r cos(2 pi v) is the first and r sin(2 pi v), where `second` is 1, the
    other, with r = sqrt(-2 ln u); u > 0, so none is beyond 5.8.
    """
    x, y = threefry(key, counter)
    return jnp.sqrt(-2.0 * jnp.log(_unit_interval(x))) * _cosine(y - (second << 30))


def normals(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """What `jax.random.normal` is for (the numbers differ), several times cheaper on a CPU."""
    return normals_from(words_of(key), shape)


def normals_from(words: UInt32[Array, " word"], shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """The numbers of `normals` from the words of its key: those at row-major places 2p and 2p + 1
    are the pair at counter (p, 0)."""
    place = jnp.arange(math.prod(shape), dtype=jnp.uint32)
    counter = (place >> 1, jnp.zeros_like(place))
    return normal_deviates((words[0], words[1]), counter, place & 1).reshape(shape)


def truncated_normals(
    keys: Sequence[PRNGKeyArray], shapes: Sequence[tuple[int, ...]]
) -> tuple[Float[Array, "*_"], ...]:
    """Standard normal deviates between -2 and 2, an array for each key and shape.

    The numbers of `jax.random.truncated_normal(key, -2, 2, shape)`, to rounding; drawn all at once,
    which XLA compiles several times faster.
    """
    sizes = [math.prod(shape) for shape in shapes]
    words = [
        jnp.broadcast_to(jax.random.key_data(key)[:, None], (2, n))
        for key, n in zip(keys, sizes, strict=True)
    ]
    first_word, second_word = jnp.concatenate(words, axis=1)
    place = jnp.concatenate([jnp.arange(n, dtype=jnp.uint32) for n in sizes])
    x, y = threefry((first_word, second_word), (jnp.zeros_like(place), place))
    one_to_two = jax.lax.bitcast_convert_type(((x ^ y) >> 9) | jnp.uint32(0x3F800000), jnp.float32)
    bound = math.erf(math.sqrt(2.0))
    within = jnp.maximum(-bound, (one_to_two - 1.0) * (2.0 * bound) - bound)
    parts = jnp.split(math.sqrt(2.0) * jax.lax.erf_inv(within), np.cumsum(sizes)[:-1])
    return tuple(x.reshape(shape) for x, shape in zip(parts, shapes, strict=True))


def words_of(key: PRNGKeyArray) -> UInt32[Array, " word"]:
    """The two words that serve as this generator's key, from any kind of JAX key."""
    return jax.random.bits(key, (2,), jnp.uint32)


def _cosine(turn: Words) -> Float[Array, "*shape"]:
    """cos(2 pi turn / 2^32), by Taylor series about the nearest quarter of a turn."""
    quarter = (turn + jnp.uint32(1 << 29)) >> 30
    rest = jax.lax.bitcast_convert_type(turn - (quarter << 30), jnp.int32)
    a = jnp.float32(2 * math.pi / 2**32) * rest.astype(jnp.float32)
    b = a * a
    cosine = 1 - b / 2 * (1 - b / 12 * (1 - b / 30 * (1 - b / 56)))
    sine = a * (1 - b / 6 * (1 - b / 20 * (1 - b / 42 * (1 - b / 72))))
    value = jnp.where((quarter & 1) == 1, sine, cosine)
    return jnp.where(((quarter + 1) & 2) == 2, -value, value)


def _unit_interval(word: Words) -> Float[Array, "*shape"]:
    one_to_two = jax.lax.bitcast_convert_type((word >> 9) | jnp.uint32(0x3F800000), jnp.float32)
    return one_to_two - jnp.float32(1.0 - 2.0**-24)
