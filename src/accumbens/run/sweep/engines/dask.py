"""A running Dask cluster, by its address."""

from __future__ import annotations

from concurrent.futures import Executor
from typing import Any

from ....errors import ConfigError
from ....extras import from_extra

SECONDS_TO_ANSWER = 20


class DaskWorkers(Executor):
    """Calls functions in the workers of a Dask cluster, which must have the package installed.

    Dask makes a call again where its worker ends.

    Args:
        client: of the cluster; closed with the executor.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._theirs = client.get_executor(pure=False)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Any:
        """As of every executor."""
        return self._theirs.submit(fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leaves the cluster; calls that wait are dropped, with `cancel_futures`."""
        self._theirs.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def connected(address: str) -> DaskWorkers:
    """The workers of the cluster at an address.

    Raises:
        ConfigError: distributed is not installed, or no cluster answers there.
    """
    distributed = from_extra("distributed", "dask")
    try:
        client = distributed.Client(address, timeout=SECONDS_TO_ANSWER, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ConfigError(
            f"No Dask cluster answers at {address} ({error}). Start one, and name the address that "
            "its scheduler prints."
        ) from error
    return DaskWorkers(client)
