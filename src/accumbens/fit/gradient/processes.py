"""Training on all devices of several processes, by JAX's own engine.

The first process runs the command, reads the table and writes; the others serve it (`serve`). For a
training whose steps are divided (see `division`) it sends them what the steps need, and all
processes take the steps together: each computes its sessions' gradient, the mean of which moves
the same weights everywhere. What has been reached is sent anew with every few dozen steps, so no
process holds anything that a checkpoint of the first one lacks.

Messages go through the store of JAX's coordinator, arrays through its collectives. A message is a
pickle that may name nothing but this package's and Optax's data classes and functions that are
marked as `divisible`, so that who can reach the coordinator's port cannot run code here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import pickle
import threading
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from ...errors import AccumbensError
from .channel import Channel
from .division import AXIS, Division

Function = TypeVar("Function", bound=Callable[..., Any])
Steps = Callable[..., Any]
MARK = "__divisible__"
LARGE = 2**16
"""Bytes from which on an array is sent once for a whole training, and kept."""


class LostProcess(AccumbensError):
    """Another process of a training has ended."""


def divisible(function: Function) -> Function:
    """Marks a function of a module that other processes may be asked to compute."""
    setattr(function, MARK, True)
    return function


@contextlib.contextmanager
def steps_on_all_devices(function: Steps, alone: Steps, *, divided: bool = True) -> Iterator[Steps]:
    """What takes the steps of one training; one training at a time is divided.

    function: takes steps, given `division`. alone: the same, compiled, on one device. divided:
    whether to divide them where there are several devices.
    """
    crew = _crew
    if crew is None or not divided:
        yield alone
        return
    with crew.lock:
        try:
            yield lambda *arguments: crew.call(function, arguments)
        finally:
            crew.forget()


@dataclasses.dataclass(frozen=True)
class _Place:
    """Where an array stood in what is sent. key: the kind of JAX key that its words are."""

    shape: tuple[int, ...]
    dtype: str
    key: str | None = None


class _Message(NamedTuple):
    """structure: a pickle of function and arguments, each array a `_Place`. kept: of each array,
    under which number it is kept; None where it is sent each time. new: numbers sent with this."""

    structure: bytes
    kept: list[int | None]
    new: list[int]

    def to_bytes(self) -> bytes:
        return json.dumps([self.kept, self.new]).encode() + b"\n" + self.structure

    @classmethod
    def from_bytes(cls, data: bytes) -> _Message:
        head, _, structure = data.partition(b"\n")
        return cls(structure, *json.loads(head))


class Crew:
    """All devices of all processes, of which the first one leads.

    channel: to the other processes; None where there are none.
    """

    def __init__(self, channel: Channel | None) -> None:
        self.lock = threading.Lock()
        self._channel = channel
        self._mesh = Mesh(np.array(jax.devices()), (AXIS,))
        self._everywhere = NamedSharding(self._mesh, PartitionSpec())
        self._kept: dict[int, jax.Array] = {}
        self._numbers: dict[int, tuple[int, Any]] = {}
        self._programs: dict[Any, Callable[..., Any]] = {}
        self.calls: int = 0

    def call(self, function: Steps, arguments: tuple[Any, ...]) -> Any:
        """What a divisible function returns, computed by all devices together."""
        arrays: list[np.ndarray] = []
        kept: list[int | None] = []
        new: list[int] = []

        def placed(leaf: Any) -> Any:
            if not isinstance(leaf, jax.Array | np.ndarray | np.generic):
                return leaf
            key, words = None, leaf
            if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
                key, words = str(jax.random.key_impl(leaf)), jax.random.key_data(leaf)
            number = None
            if words.nbytes >= LARGE:
                if id(leaf) not in self._numbers:
                    self._numbers[id(leaf)] = (len(self._numbers), leaf)  # held, so its id stays
                    new.append(self._numbers[id(leaf)][0])
                number = self._numbers[id(leaf)][0]
            kept.append(number)
            arrays.append(np.asarray(words))
            return _Place(arrays[-1].shape, arrays[-1].dtype.str, key)

        structure = pickle.dumps(jax.tree.map(placed, (function, arguments)))
        message = _Message(structure, kept, new)
        with _losses_told():
            if self._channel is not None:
                self._channel.send(message.to_bytes())
            made = jax.tree.map(jnp.asarray, self._computed(message, arrays))
        self.calls += 1
        return made

    def forget(self) -> None:
        """Ends a training: what was kept for it is let go, at the others with the next message."""
        self._numbers.clear()
        self._kept.clear()

    def end(self, code: int) -> None:
        """Tells the other processes that the command has ended. code: of its exit."""
        if self._channel is not None:
            self._channel.send(str(code).encode())

    def serve(self) -> int:
        """Takes steps whenever the first process asks for them, until its command has ended.

        Returns the code of that command's exit. Raises LostProcess where another one has ended.
        """
        assert self._channel is not None
        with _losses_told():
            while not (data := self._channel.receive()).isdigit():
                message = _Message.from_bytes(data)
                if 0 in message.new:  # another training
                    self._kept.clear()
                places = jax.tree.leaves(_unpickled(message.structure))
                arrays = [np.zeros(x.shape, x.dtype) for x in places if isinstance(x, _Place)]
                self._computed(message, arrays)
        return int(data)

    def _computed(self, message: _Message, arrays: list[np.ndarray]) -> Any:
        """The result, as NumPy arrays. arrays: of the first process; elsewhere zeros like them."""
        sent = [
            i for i, number in enumerate(message.kept)
            if number is None or (number in message.new and message.kept.index(number) == i)
        ]  # fmt: skip
        if self._channel is not None:
            received = self._channel.broadcast([arrays[i] for i in sent])
            for i, array in zip(sent, received, strict=True):
                arrays[i] = array
        for i in sent:
            if (number := message.kept[i]) is not None:
                self._kept[number] = jax.make_array_from_process_local_data(
                    self._everywhere, arrays[i], arrays[i].shape
                )
        leaves = [
            array if number is None else self._kept[number]
            for array, number in zip(arrays, message.kept, strict=True)
        ]
        found, structure = jax.tree.flatten(_unpickled(message.structure))
        program = self._programs.setdefault((structure, *found), self._program(found, structure))
        return jax.tree.map(np.asarray, program(*leaves))

    def _program(self, found: list[Any], structure: Any) -> Callable[..., Any]:
        """Compiles when it is first called. found: leaves of function and arguments."""

        def on_each(*arrays: jax.Array) -> Any:
            following = iter(arrays)

            def restored(leaf: Any) -> Any:
                if not isinstance(leaf, _Place):
                    return leaf
                array = next(following)
                return array if leaf.key is None else jax.random.wrap_key_data(array, impl=leaf.key)

            function, arguments = structure.unflatten(map(restored, found))
            return function(*arguments, division=Division(self._mesh.size))

        everywhere = PartitionSpec()
        return jax.jit(
            jax.shard_map(
                on_each, mesh=self._mesh, in_specs=everywhere, out_specs=everywhere, check_vma=False
            )
        )


_crew: Crew | None = None


def join(crew: Crew | None) -> None:
    """From now on, trainings of this process are divided among this crew; None: not any more."""
    global _crew
    _crew = crew


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module.partition(".")[0] in ("accumbens", "optax"):
            found = super().find_class(module, name)
            if getattr(found, MARK, False) or (
                isinstance(found, type)
                and (issubclass(found, tuple) or dataclasses.is_dataclass(found))
            ):
                return found
        raise pickle.UnpicklingError(f"a message may not name {module}.{name}")


def _unpickled(data: bytes) -> Any:
    return _Unpickler(io.BytesIO(data)).load()


@contextlib.contextmanager
def _losses_told() -> Iterator[None]:
    """Says so where JAX cannot reach another process; a failed collective is a ValueError there."""
    try:
        yield
    except (jax.errors.JaxRuntimeError, ValueError) as error:
        text = str(error).strip()
        if isinstance(error, ValueError) and "Gloo" not in text:
            raise
        raise LostProcess(
            f"Another process of this fit has ended, or cannot be reached ({text[:200]}). What was "
            "reached is kept: resume the run, on any number of processes."
        ) from error
