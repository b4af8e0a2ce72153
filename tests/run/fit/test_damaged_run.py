"""A damaged run folder ends in an error of ours that names the file."""

import random
import shutil
from pathlib import Path

import pytest

from accumbens.errors import AccumbensError, DataError
from accumbens.run.fit.folder import load_run

FOLDER = Path(__file__).parents[2] / "fixtures" / "run_0_1_0"
FILES = ("config.toml", "split.json", "metrics.json")
DAMAGES = {
    "empty": lambda b: b"",
    "cut": lambda b: b[: len(b) // 3],
    "list": lambda b: b"[]",
    "other": lambda b: b"{}",
    "deep": lambda b: b'{"a":' * 50_000,
    "not UTF-8": lambda b: b"\xff\xfe" + b,
    "wrong types": lambda b: b'{"models": {"naive": 3}, "data": [], "train": 1, "test": 2}',
}


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(FOLDER, tmp_path / "run")
    return tmp_path / "run"


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_named(folder, name, how):
    path = folder / name
    path.write_bytes(DAMAGES[how](path.read_bytes()))
    with pytest.raises(AccumbensError, match=name.replace(".", r"\.")):
        load_run(folder)


def test_nothing_else_escapes(folder):
    """Of any bytes that are changed, the run is as it was or the error is one of ours."""
    rng = random.Random(0)
    for name in FILES * 20:
        path = folder / name
        good = path.read_bytes()
        bad = bytearray(good)
        for _ in range(rng.randint(1, 4)):
            bad[rng.randrange(len(bad))] = rng.randrange(256)
        path.write_bytes(bytes(bad))
        try:
            repr(load_run(folder))
        except AccumbensError as error:
            assert str(folder) in str(error)  # noqa: PT017
        path.write_bytes(good)
    load_run(folder)


def test_a_damaged_table_of_predictions_is_named(folder):
    (folder / "predictions.parquet").write_bytes(b"PAR1" + b"\0" * 50)
    with pytest.raises(DataError, match=r"predictions\.parquet: the Parquet file is cut short"):
        load_run(folder).predictions()
