"""Shared fixtures."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from accumbens.run import keep_programs
from helpers.compiled_code import free_compiled_code
from helpers.nwb_files import write_nwb

# A busy machine is no reason for a test to fail.
settings.register_profile(
    "any_machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any_machine")


@pytest.fixture(scope="session", autouse=True)
def _programs_are_kept():
    """Several tests, and both processes that run them, compile the same programs."""
    keep_programs()


@pytest.fixture(scope="module", autouse=True)
def _compiled_code_is_freed():
    """A process that runs many modules would otherwise be ended by XLA."""
    yield
    free_compiled_code()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; skips where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data are not on this machine ({folder.parent.name}/{folder.name})")
    return folder


@pytest.fixture(scope="session")
def make_nwb():
    """Writes an NWB file with a trials table, time series and units, as another lab would."""
    pytest.importorskip("pynwb")
    pytest.importorskip("hdmf_zarr")
    return write_nwb
