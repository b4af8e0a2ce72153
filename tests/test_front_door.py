"""The front door: public names are found lazily, and their signatures hold public types alone."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import accumbens
from accumbens.lazy import attach, public_names
from helpers.front_door import (
    SOURCE,
    namespaces,
    public_object,
    public_objects,
    public_types,
    reference,
    types_in_signatures,
)

ROOT = Path(__file__).resolve().parents[1]
NAMES = public_objects()
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def printed(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("name", NAMES)
def test_every_public_name_is_there(name):
    found = public_object(name)
    assert found.__name__ == name.rsplit(".", 1)[1]
    assert found.__module__.startswith("accumbens.")
    assert found.__doc__


def test_the_front_door_is_short_and_names_the_namespaces():
    here = {name: f"accumbens.{name}" in namespaces() for name in accumbens.__all__}
    folders = {path.parent.name for path in SOURCE.glob("*/__init__.pyi")}
    assert {name for name, is_namespace in here.items() if is_namespace} == folders
    assert len(here) - len(folders) <= 50


@pytest.mark.parametrize("name", NAMES)
def test_every_type_in_a_public_signature_is_public(name):
    found = types_in_signatures(public_object(name))
    hidden = {f"{where}: {kind}" for where, kind in found if kind not in public_types()}
    assert hidden == set(), "each needs a line in an __init__.pyi"


def test_types_are_found_in_signatures():
    def seen(name):
        found = types_in_signatures(public_object(f"accumbens.{name}"))
        return {kind.__name__ for _, kind in found}

    assert seen("fit.fit_gru") >= {"GRUConfig"}
    assert seen("credit.structure_test") == {
        "Trials", "Schedule", "RandomizationTest", "Progress", "ReversalRule",
    }  # fmt: skip
    assert seen("scoring.Comparison") == {"Evaluation", "Difference"}  # inside dictionaries
    assert seen("scoring.SignalScore") == {"Estimate"}  # fields of a NamedTuple
    assert seen("models.DisRNN") >= {"Batch", "Unrolled"}  # of methods, inherited ones included
    assert seen("fit_by_subject") >= {"CognitiveModel"}  # the bound of a type variable


@pytest.mark.parametrize("where", namespaces())
def test_no_public_name_is_the_name_of_a_module(where):
    """Else `import accumbens.unroll as u` gives a function, or the module hides the function."""
    module = namespaces()[where]
    folder = Path(inspect.getfile(module)).parent
    modules = {path.stem for path in folder.glob("*.py")} | {
        path.parent.name for path in folder.glob("*/__init__.py")
    }
    objects = {name.rsplit(".", 1)[1] for name in NAMES if name.rsplit(".", 1)[0] == where}
    assert objects & modules == set()


@pytest.mark.parametrize("where", namespaces())
def test_a_stub_holds_nothing_but_imports_under_the_same_name(where):
    stub = Path(inspect.getfile(namespaces()[where])).with_suffix(".pyi")
    tree = ast.parse(stub.read_text())
    rest = [node for node in tree.body[1:] if not isinstance(node, ast.ImportFrom)]
    assert [ast.unparse(node) for node in rest] == ["__version__: str"] * (where == "accumbens")
    names = [
        (a.name, a.asname) for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names
    ]
    assert [name for name, _ in names] == [known for _, known in names]
    assert len(names) == len(set(names))
    assert sorted(name for name, _ in names) == namespaces()[where].__all__
    assert set(namespaces()[where].__all__) <= set(dir(namespaces()[where]))


def test_every_name_can_be_imported_by_name():
    lines = [
        f"from {where} import {', '.join(module.__all__)}" for where, module in namespaces().items()
    ]
    assert printed("\n".join([*lines, "print('all')"])) == "all"


def test_importing_the_package_imports_neither_jax_nor_anything_else_heavy():
    code = """
import sys
before = set(sys.modules)
import accumbens, accumbens.credit, accumbens.figures
dir(accumbens), accumbens.__all__, dir(accumbens.credit)
print(*sorted({name.split('.')[0] for name in set(sys.modules) - before}))
"""
    loaded = set(printed(code).split())
    assert "accumbens" in loaded
    assert loaded <= {"accumbens", *sys.stdlib_module_names}


def test_errors_and_trials_come_without_jax_where_they_need_none():
    assert printed("import accumbens, sys; accumbens.DataError; print('jax' in sys.modules)") == (
        "False"
    )


def test_tab_completion_finds_the_names():
    code = """
import accumbens, rlcompleter
complete = rlcompleter.Completer({'accumbens': accumbens}).complete
print(*(complete(text, i) for text in ('accumbens.fit_b', 'accumbens.credit.Sch') for i in (0, )))
"""
    assert printed(code) == "accumbens.fit_by_subject( accumbens.credit.Schedule("


def test_an_unknown_name_says_where_to_look():
    with pytest.raises(AttributeError, match="accumbens has no 'fit_gro'; did you mean fit"):
        _ = accumbens.fit_gro
    with pytest.raises(AttributeError, match=r"no 'preprocess'; it is accumbens\.neural\.prepro"):
        _ = accumbens.preprocess
    with pytest.raises(AttributeError, match=r"accumbens\.tasks has no 'X'; it has Bandit, Distr"):
        _ = accumbens.tasks.X
    with pytest.raises(AttributeError, match=r"accumbens has no '__wrapped__'$"):
        _ = accumbens.__wrapped__
    with pytest.raises(ImportError, match="cannot import name 'fit_dfq' from 'accumbens'"):
        exec("from accumbens import fit_dfq")


def test_a_stub_decides_what_a_package_has(tmp_path, monkeypatch):
    package = tmp_path / "small_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "numbers_.py").write_text("one = 1\ntwo = 2\n")
    (package / "__init__.pyi").write_text("from .numbers_ import one as one\n")
    monkeypatch.syspath_prepend(tmp_path)
    import small_package  # pyright: ignore[reportMissingImports]

    door = attach("small_package", small_package.__file__)
    assert public_names(package / "__init__.pyi") == {"one": ".numbers_"}
    assert (door.all, door.getattr("one"), "one" in door.dir()) == (["one"], 1, True)
    with pytest.raises(AttributeError, match="small_package has no 'two'; it has one"):
        door.getattr("two")


def code_of_users() -> dict[str, str]:
    """Examples, and the Python of README and docs (cells of a page as one), by where it stands."""
    code = {path.name: path.read_text() for path in EXAMPLES}
    for page in PAGES:
        blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        code |= {f"{page.name}, block {i}": block for i, block in enumerate(blocks)}
        cell = re.compile(r"^```\{code-cell\}\n(.*?)^```", re.MULTILINE | re.DOTALL)
        cells = cell.findall(page.read_text())
        lines = [line for one in cells for line in one.splitlines() if not line.startswith(":")]
        code |= {f"{page.name}, cells": "\n".join(lines)} if cells else {}
    return code


@pytest.mark.parametrize("where", code_of_users())
def test_examples_and_docs_use_public_names_alone(where):
    tree = ast.parse(code_of_users()[where])
    used = {name for name in reached(tree) if name.split(".")[0] == "accumbens"}
    assert used
    assert used - set(NAMES) - set(namespaces()) == set()


def reached(tree: ast.AST) -> set[str]:
    """Full names of what is imported, and of what is taken from `accumbens`."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Attribute):
            full = ast.unparse(node)
            if re.fullmatch(r"accumbens(\.\w+)+", full):
                names.add(full)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_in_the_text_of_docs_are_public(page):
    names = set(re.findall(r"\baccumbens(?:\.\w+)+", page.read_text()))
    assert names - set(NAMES) - set(namespaces()) == set()


def test_the_reference_lists_every_name_and_no_other():
    """`cd tests && python -m helpers.front_door` writes it anew."""

    def names(page: str) -> list[str]:
        lines = [line.partition(": ") for line in page.splitlines()]
        return [head for head, _, text in lines if head.startswith("## ") or text]

    assert names((ROOT / "docs" / "api.md").read_text()) == names(reference())
