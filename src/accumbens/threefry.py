"""Random numbers by address: (key, trial, draw) gives the same number whatever surrounds it.

Threefry-2x32 with 20 rounds, the generator behind `jax.random`, as plain arithmetic: inside a scan
XLA fuses it with the model that uses the numbers, which makes them more than ten times cheaper on a
CPU than calls to `jax.random` are.
Source: Salmon et al. (2011), Parallel random numbers: as easy as 1, 2, 3.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, UInt32

Words = UInt32[Array, "..."]
"""Any number of 32-bit words."""

ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
PARITY = 0x1BD11BDA


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


def normal_pairs(
    key: tuple[Words, Words], counter: tuple[Words, Words]
) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Two independent standard normal deviates for each two-word counter.

    Box and Muller (1958): r = sqrt(-2 ln u), then r cos(2 pi v) and r sin(2 pi v); u > 0, so none
    is beyond 5.8.
    """
    x, y = threefry(key, counter)
    radius = jnp.sqrt(-2.0 * jnp.log(_unit_interval(x)))
    cosine, sine = _on_the_circle(y)
    return radius * cosine, radius * sine


def normals(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "*shape"]:
    """What `jax.random.normal` is for (the numbers differ), several times cheaper on a CPU."""
    n = math.prod(shape)
    position = jnp.arange((n + 1) // 2, dtype=jnp.uint32)
    words = words_of(key)
    pairs = normal_pairs((words[0], words[1]), (position, jnp.zeros_like(position)))
    return jnp.concatenate(pairs)[:n].reshape(shape)


def words_of(key: PRNGKeyArray) -> UInt32[Array, "2"]:
    """The two words that serve as this generator's key, from any kind of JAX key."""
    return jax.random.bits(key, (2,), jnp.uint32)


def _on_the_circle(word: Words) -> tuple[Float[Array, "*shape"], Float[Array, "*shape"]]:
    """Cosine and sine of 2 pi word / 2^32, by Taylor series about the nearest quarter of a turn."""
    quarter = (word + jnp.uint32(1 << 29)) >> 30
    rest = jax.lax.bitcast_convert_type(word - (quarter << 30), jnp.int32)
    a = jnp.float32(2 * math.pi / 2**32) * rest.astype(jnp.float32)
    b = a * a
    c = 1 - b / 2 * (1 - b / 12 * (1 - b / 30 * (1 - b / 56)))
    s = a * (1 - b / 6 * (1 - b / 20 * (1 - b / 42 * (1 - b / 72))))
    odd = (quarter & 1) == 1
    cosine, sine = jnp.where(odd, s, c), jnp.where(odd, c, s)
    cosine = jnp.where(((quarter + 1) & 2) == 2, -cosine, cosine)
    return cosine, jnp.where((quarter & 2) == 2, -sine, sine)


def _unit_interval(word: Words) -> Float[Array, "*shape"]:
    one_to_two = jax.lax.bitcast_convert_type((word >> 9) | jnp.uint32(0x3F800000), jnp.float32)
    return one_to_two - jnp.float32(1.0 - 2.0**-24)
