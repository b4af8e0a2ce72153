"""Benchmarks and examples take names that are there, also where only a long run would show it."""

import ast
import importlib
import importlib.util

import pytest

from helpers.tracked import ROOT

FILES = sorted(
    path for folder in ("benchmarks", "examples") for path in (ROOT / folder).rglob("*.py")
)


def taken(text):
    """Module and name of everything that is taken from the package, at whatever depth."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("accumbens"):
            yield from ((node.module, name.name) for name in node.names)


def there(module, name):
    found = importlib.import_module(module)
    return hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_names_taken_from_the_package_are_there(path):
    missing = [pair for pair in taken(path.read_text()) if not there(*pair)]
    assert not missing


def test_a_missing_name_is_seen():
    text = "def f():\n    from accumbens.fit.gru import fit_gru_of_old\n"
    assert [pair for pair in taken(text) if not there(*pair)] == [
        ("accumbens.fit.gru", "fit_gru_of_old")
    ]
