"""What users get: archives that hold every file, and a wheel that works where nothing else is."""

import fcntl
import json
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

import accumbens
from helpers.fresh_environment import FreshEnvironment, build_archives
from helpers.tracked import ROOT, tracked_files

PACKAGE = ROOT / "src"
GENERATED = ("PKG-INFO", "setup.cfg")


@pytest.fixture(scope="session")
def archives(tmp_path_factory) -> Path:
    """A folder with the source archive, the wheel, and in `again` the source archive's wheel."""
    return _made_once(tmp_path_factory, "archives", build_archives)


@pytest.fixture(scope="session")
def wheel(archives) -> Path:
    (path,) = archives.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def fresh(tmp_path_factory, wheel) -> FreshEnvironment:
    def make(folder):
        FreshEnvironment(folder).install(wheel)

    return FreshEnvironment(_made_once(tmp_path_factory, "fresh environment", make))


def _made_once(tmp_path_factory, name, make) -> Path:
    """The folder that `make` fills; of several workers the first makes it, the others wait."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent
    folder, done = root / name, root / f"{name}.done"
    with (root / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            folder.mkdir()
            make(folder)
            done.touch()
    return folder


def contents(path: Path) -> dict[str, int]:
    """Every file of a wheel by name, with its checksum."""
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: entry.CRC for entry in archive.infolist() if not entry.is_dir()}


def test_the_source_archive_holds_every_tracked_file(archives):
    (path,) = archives.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {
            Path(*Path(entry.name).parts[1:]).as_posix() for entry in archive if entry.isfile()
        }
    made = {name for name in names if name in GENERATED or ".egg-info/" in name}
    assert names - made == {path.relative_to(ROOT).as_posix() for path in tracked_files()}


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel):
    about = f"accumbens-{accumbens.__version__}.dist-info/"
    names = {name for name in contents(wheel) if not name.startswith(about)}
    expected = {
        path.relative_to(PACKAGE).as_posix()
        for path in tracked_files()
        if path.is_relative_to(PACKAGE)
    }
    assert "accumbens/py.typed" in expected
    assert any(name.endswith(".cpp") for name in expected)
    assert names == expected


def test_the_source_archive_gives_the_same_wheel(archives, wheel):
    assert contents(archives / "again" / wheel.name) == contents(wheel)


def test_a_fresh_environment_sees_the_wheel_alone(fresh):
    code = """
import importlib.metadata, importlib.util, json, sys, accumbens
absent = [n for n in ("pynwb", "pytest", "statsmodels") if importlib.util.find_spec(n) is None]
print(json.dumps([accumbens.__file__, importlib.metadata.version("accumbens"),
                  accumbens.__version__, sys.path, absent]))
"""
    said = json.loads(fresh.run(str(fresh.python), "-c", code).stdout)
    file, installed, version, paths, absent = said
    assert Path(file).is_relative_to(fresh.folder)
    assert installed == version == accumbens.__version__
    assert not any(Path(path).is_relative_to(ROOT) for path in [*paths, fresh.folder] if path)
    assert absent == ["pynwb", "pytest", "statsmodels"], "extras are there without being asked for"


def test_the_demonstration_runs_from_the_wheel(fresh):
    """With the compiled loop, made here from the wheel's own sources."""
    done = fresh.run("accumbens", "demo")
    assert "slowly" not in done.stderr
    folder = fresh.work / "demo" / "run"
    models = json.loads((folder / "metrics.json").read_text())["models"]
    assert models["disrnn"]["fit"]["loop"] == "cpu_kernel"
    assert list(fresh.cache.glob("accumbens/kernels/loop-*.so"))
    likelihood = {name: model["choice"]["normalized_likelihood"] for name, model in models.items()}
    assert likelihood["disrnn"] > 0.99 * likelihood["q_learning"]  # which made the choices
    assert likelihood["q_learning"] > 1.1 * likelihood["naive"]
    assert_figures(folder / "figures", "comparison", "update_rule", "signal_rule")


def test_credit_runs_from_the_wheel(fresh):
    """With compiled refits, made here from the wheel's own sources."""
    simulated = ("--task", "distractor", "--agent", "structure_mixture", "--subjects", "3")
    fresh.run("accumbens", "simulate", "trials.csv", *simulated, "--sessions", "6",
              "--trials", "200")  # fmt: skip
    done = fresh.run("accumbens", "credit", "trials.csv", "--controllable", "controllable",
                     "--distractor", "distractor", "--lags", "3", "--resamples", "200",
                     "--bootstrap", "20", "--out", "credit")  # fmt: skip
    assert "slower" not in done.stderr
    metrics = json.loads((fresh.work / "credit" / "metrics.json").read_text())
    assert metrics["refits"] == "compiled"
    assert list(fresh.cache.glob("accumbens/kernels/refit-*.so"))
    assert len(metrics["tests"]) == 2
    assert_figures(fresh.work / "credit" / "figures", "history_weights", "null_distributions")


def assert_figures(folder: Path, *names: str) -> None:
    """Each figure is there as PNG and PDF, with its numbers."""
    starts = {"png": b"\x89PNG", "pdf": b"%PDF"}
    for name in names:
        for ending, start in starts.items():
            assert (folder / f"{name}.{ending}").read_bytes().startswith(start)
        assert len((folder / f"{name}.csv").read_text().splitlines()) > 2
