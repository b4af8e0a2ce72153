"""One run for all tests of predictions."""

import pytest

from accumbens.io.tables.trials import write_table
from accumbens.run.fit.folder import load_run
from accumbens.run.fit.pipeline import run_fit
from helpers.new_data import CONFIG, simulated


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("predict")
    write_table(simulated(("M9", "M1", "M4"), 4, 0), path / "table.parquet")
    run_fit(path / "table.parquet", CONFIG, path / "run")
    return path


@pytest.fixture(scope="session")
def run(folder):
    return load_run(folder / "run")
