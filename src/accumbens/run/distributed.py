"""A command on several processes: the first one runs it, the others serve it."""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..errors import AccumbensError, ConfigError

if TYPE_CHECKING:
    from ..fit.gradient.processes import Crew

SECONDS_TO_MEET, SECONDS_TO_PART = 300, 10
"""How long processes wait for each other, at the beginning and at the end."""


@dataclasses.dataclass(frozen=True)
class DistributedConfig:
    """Which processes work together."""

    distributed: bool = False
    """Divide the sessions of each gradient step of the disRNN among several processes, or machines:
    start the same command in each. One reads the table and writes the run. Under srun and mpirun
    nothing else is needed."""
    coordinator: str | None = None
    """With distributed, elsewhere: HOST:PORT of the first process, the same for all."""
    processes: int | None = None
    """With coordinator: how many processes there are."""
    process: int | None = None
    """With coordinator: number of this process, from 0."""

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in ("coordinator", "processes", "process")}
        named = [f"--{name}" for name, value in given.items() if value is not None]
        if not named:
            return
        if not self.distributed:
            raise ConfigError(f"{named[0]} says how processes find each other: add --distributed.")
        if len(named) < len(given):
            raise ConfigError(
                "Give --coordinator HOST:PORT, --processes N and --process I together, or none of "
                "them under srun or mpirun."
            )
        host, _, port = str(self.coordinator).rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 2**16:
            raise ConfigError(
                f"coordinator is {self.coordinator}; give HOST:PORT, such as node1:12345."
            )
        if not 0 <= int(self.process or 0) < int(self.processes or 0):
            raise ConfigError(
                f"process is {self.process}; with {self.processes} processes it lies between 0 and "
                f"{int(self.processes or 0) - 1}."
            )


@contextlib.contextmanager
def together(config: DistributedConfig) -> Iterator[Crew | None]:
    """Joins the other processes while the context lasts; None where there is one device only.

    In all processes but the first one the context is never entered: they serve it to its end, and
    exit as it does. To be called before JAX computes anything.

    Raises:
        ConfigError: the other processes are not known, or do not come.
    """
    if not config.distributed:
        yield None
        return
    _meet(config)
    import jax

    from ..fit.gradient.channel import Channel
    from ..fit.gradient.processes import Crew, LostProcess, join

    crew = Crew(Channel() if jax.process_count() > 1 else None)
    if jax.process_index() > 0:
        try:
            code = crew.serve()
        except LostProcess:  # the first process says so
            _leave()
            raise SystemExit(2) from None
        _part()
        raise SystemExit(code)
    join(crew if jax.device_count() > 1 else None)
    code = 1
    try:
        yield crew if jax.device_count() > 1 else None
        code = 0
    except LostProcess:
        code = None
        raise
    except KeyboardInterrupt:
        code = 130
        raise
    except (AccumbensError, OSError):
        code = 2
        raise
    finally:
        join(None)
        if code is None:
            _leave()
        else:
            crew.end(code)
            _part()


def _meet(config: DistributedConfig) -> None:
    import jax

    if jax.config.jax_cpu_collectives_implementation is None:  # type: ignore[attr-defined]
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            config.coordinator, config.processes, config.process,
            initialization_timeout=SECONDS_TO_MEET, shutdown_timeout_seconds=SECONDS_TO_PART,
        )  # fmt: skip
    except (ValueError, RuntimeError) as error:
        if config.coordinator is None and isinstance(error, ValueError):
            raise ConfigError(
                "--distributed finds no other processes here: start the command by srun or mpirun, "
                "or give --coordinator HOST:PORT, --processes N and --process I."
            ) from error
        raise ConfigError(f"The processes did not come together: {error}") from error


def _part() -> None:
    import jax

    with contextlib.suppress(RuntimeError):
        jax.distributed.shutdown()


def _leave() -> None:
    """At its end, the process does not wait for the others: for want of one, JAX would abort it."""

    def end() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(2)

    atexit.register(end)  # before what JAX does then
