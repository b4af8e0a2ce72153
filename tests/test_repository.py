"""Rules of the repository itself: small files, a light front door, no global state, plain pins."""

import re
import subprocess
import sys

import pytest

from helpers.tracked import ROOT, tracked_files

SOURCES = sorted((ROOT / "src").rglob("*.py"))
HEAVY = ("matplotlib", "pandas", "pyarrow", "pynapple", "pynwb", "rich", "statsmodels")


def run_python(code: str) -> str:
    """Standard output of `code` in a fresh interpreter."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT / "src")))
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


def test_there_are_sources():
    assert len(SOURCES) > 20


def test_models_and_their_fits_are_light():
    code = """
import sys, accumbens
accumbens.Trials, accumbens.simulate, accumbens.fit_maximum_likelihood, accumbens.compare
print(*sorted({name.split('.')[0] for name in sys.modules}))
"""
    loaded = set(run_python(code).split())
    assert {"accumbens", "jax"} <= loaded
    assert not loaded & set(HEAVY)


def test_importing_every_module_changes_no_global_state():
    """Everything but `accumbens` itself is imported before the state is taken."""
    modules = sorted(
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.name != "__main__.py"
    )
    code = f"""
import importlib, logging, os, random, signal, sys, warnings
import equinox, jax, jaxtyping, numpy as np, optax, scipy.stats
import matplotlib.figure, pandas, pyarrow.csv, pyarrow.parquet, rich.progress, safetensors

def state():
    return {{
        "jax": dict(jax.config.values),
        "backends": list(jax._src.xla_bridge._backends),
        "logging": (list(logging.root.handlers), logging.root.level, logging.root.disabled),
        "warnings": list(warnings.filters),
        "numpy random": [str(part) for part in np.random.get_state()],
        "numpy errors": np.geterr(),
        "random": random.getstate(),
        "environment": dict(os.environ),
        "path": list(sys.path),
        "matplotlib": dict(matplotlib.rcParams),
        "signals": [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],
        "excepthook": sys.excepthook,
        "pandas": pandas.get_option("display.max_rows"),
    }}

before = state()
for name in {modules!r}:
    importlib.import_module(name)
after = state()
print(*(key for key in before if before[key] != after[key]), sep=", ", end="")
"""
    assert run_python(code) == ""


def test_no_tracked_file_names_a_package_registry():
    options = ("index" + "-url", "find" + "-links", "trusted" + "-host", "PIP_" + "INDEX")
    addresses = (r"https?://\S+/simple\b", "pythonhosted" + r"\.org", "file:" + "//")
    pattern = re.compile("|".join([*map(re.escape, options), *addresses]).encode())
    found = [path for path in tracked_files() if pattern.search(path.read_bytes())]
    assert found == []


@pytest.mark.parametrize(
    "name", ["constraints.txt", "constraints-minimum.txt", "benchmarks/constraints.txt"]
)
def test_constraints_are_exact_pins(name):
    lines = (ROOT / name).read_text().splitlines()
    pins = [line for line in lines if line != "-c ../constraints.txt"]
    assert [line for line in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", line)] == []
    names = [re.sub(r"[-_.]+", "-", pin.split("==")[0]).lower() for pin in pins]
    assert len(names) == len(set(names))


def test_every_requirement_is_pinned():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    pinned = {
        re.sub(r"[-_.]+", "-", line.split("==")[0]).lower()
        for name in ("constraints.txt", "benchmarks/constraints.txt")
        for line in (ROOT / name).read_text().splitlines()
    }
    wanted = [*project["dependencies"], *(r for extra in extras.values() for r in extra)]
    bare = {re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", r)[0]).lower() for r in wanted}
    assert bare <= pinned


def test_no_data_in_the_repository():
    endings = {".parquet", ".nwb", ".npz", ".ppd", ".h5", ".mat", ".pkl", ".npy"}
    assert [path for path in tracked_files() if path.suffix in endings] == []


def test_compiled_functions_are_freed_where_there_are_many():
    """On Linux; other systems do not say how many regions of memory are mapped."""
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "tests")!r})
import jax, jax.numpy as jnp
from helpers.compiled_code import free_compiled_code, mapped_regions
jax.jit(lambda x: jnp.sin(x).sum())(jnp.ones(10))  # JAX itself takes some, once
sizes = [mapped_regions()]
for n in range(60):
    jax.jit(lambda x: jnp.sin(x).sum())(jnp.ones(11 + n))
sizes.append(mapped_regions())
for most in (sizes[-1] + 1000, 0):
    free_compiled_code(most)
    sizes.append(mapped_regions())
print(*sizes)
"""
    before, compiled, left, freed = map(int, run_python(code).split())
    if sys.platform == "linux":
        assert compiled > before + 60
        assert left > before + 0.5 * (compiled - before)  # the system maps some by itself
        assert freed < before + 0.5 * (compiled - before)
    else:
        assert (before, compiled, left, freed) == (0, 0, 0, 0)
