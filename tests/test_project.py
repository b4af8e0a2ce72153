"""What is said about the project in several places is the same in all of them."""

import os
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from ruamel.yaml import YAML

import accumbens
from helpers.tracked import ROOT, tracked_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
CONSTRAINTS = ("constraints.txt", "constraints-minimum.txt")
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([\w-]+):(?!=)", MAKEFILE, re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CITATION = YAML(typ="safe").load((ROOT / "CITATION.cff").read_text())


def test_the_version_is_written_once():
    assigned = re.compile(r"^__version__\b.*=", re.MULTILINE)
    places = [
        path.relative_to(ROOT).as_posix()
        for path in tracked_files()
        if path.suffix in (".py", ".pyi") and assigned.search(path.read_text())
    ]
    assert places == ["src/accumbens/version.py"]
    assert "version" in PYPROJECT["project"]["dynamic"]


def test_the_citation_is_of_this_version_and_these_authors():
    assert str(CITATION["version"]) == accumbens.__version__
    names = [author["name"] for author in PYPROJECT["project"]["authors"]]
    assert [author["name"] for author in CITATION["authors"]] == names
    assert CITATION["license"] == PYPROJECT["project"]["license"]
    assert CITATION["keywords"] == PYPROJECT["project"]["keywords"][: len(CITATION["keywords"])]


def test_the_changelog_opens_with_what_changes_numbers():
    text = (ROOT / "CHANGELOG.md").read_text()
    heads = re.findall(r"^#+ .*", text, re.MULTILINE)
    assert heads[0] == "# Changelog"
    assert Version(heads[1].split()[1]) >= Version(accumbens.__version__)
    assert heads[2] == "### Numbers change"
    under = text.split("### Numbers change")[1].split("\n#")[0]
    assert under.strip(), "say that none do"


def read_yaml(path: Path):
    return YAML(typ="safe").load(path.read_text())


def steps(workflow: dict) -> list[dict]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_do_what_can_be_done_here(path):
    workflow = read_yaml(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert all(
        job["timeout-minutes"] for name, job in workflow["jobs"].items() if name != "publish"
    )
    for step in steps(workflow):
        assert ("run" in step) != ("uses" in step)
        commands = step.get("run", "").split()
        if commands[:1] == ["make"]:
            assert commands[1] in TARGETS
        elif commands[:1] == [".ci/run"]:
            assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_workflow_is_there():
    assert [path.stem for path in WORKFLOWS] == ["docs", "release", "test", "weekly"]


def test_continuous_integration_runs_the_command_of_the_readme():
    assert "make --no-print-directory test" in (ROOT / ".ci" / "run").read_text()
    assert "    make test\n" in (ROOT / "README.md").read_text()


def test_what_is_supported_is_what_is_tested():
    matrix = read_yaml(ROOT / ".github/workflows/test.yml")["jobs"]["test"]["strategy"]["matrix"]
    classifiers = PYPROJECT["project"]["classifiers"]
    versions = [c.split(" :: ")[-1] for c in classifiers if re.search(r"Python :: 3\.\d+$", c)]
    assert matrix["python"] == versions
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == f"py{versions[0].replace('.', '')}"
    assert PYPROJECT["tool"]["pyright"]["pythonVersion"] == versions[0]
    systems = {"Operating System :: POSIX :: Linux": "ubuntu-latest",
               "Operating System :: MacOS": "macos-latest"}  # fmt: skip
    claimed = {systems[c] for c in classifiers if c.startswith("Operating System")}
    assert set(matrix["system"]) == claimed


def test_make_help_names_every_target():
    phony = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())
    assert phony == TARGETS
    explained = set(re.findall(r'@echo "make ([\w-]+) ', MAKEFILE))
    assert explained == TARGETS - {"help"}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints_satisfy_what_is_required(name):
    """So a bound that was raised, or a package that was added, is not forgotten here."""
    pins = pins_of(name)
    for text in requirements("neural", "test"):
        requirement = Requirement(text)
        assert pins[canonicalize_name(requirement.name)] in requirement.specifier, text


def test_the_oldest_packages_are_those_that_are_required():
    pins = pins_of("constraints-minimum.txt")
    build = PYPROJECT["build-system"]["requires"]
    for text in [*requirements("neural"), *build]:
        requirement = Requirement(text)
        (bound,) = (s.version for s in requirement.specifier if s.operator == ">=")
        assert pins[canonicalize_name(requirement.name)] == Version(bound), text


def requirements(*extras: str) -> list[str]:
    project = PYPROJECT["project"]
    of_extras = (project["optional-dependencies"][extra] for extra in extras)
    return [*project["dependencies"], *(text for of in of_extras for text in of)]


def pins_of(name: str) -> dict[str, Version]:
    pins = (line.split("==") for line in (ROOT / name).read_text().split())
    return {canonicalize_name(package): Version(version) for package, version in pins}


FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


@pytest.mark.parametrize(
    "path", [path for path in FORMS if path.stem != "config"], ids=lambda path: path.stem
)
def test_issue_forms_can_be_filled_in(path):
    form = read_yaml(path)
    assert form.keys() == {"name", "description", "labels", "body"}
    names = [field["id"] for field in form["body"]]
    assert len(set(names)) == len(names) >= 3
    for field in form["body"]:
        assert field["type"] in ("input", "textarea")
        assert field["attributes"]["label"]
    assert any(field.get("validations", {}).get("required") for field in form["body"])


def test_hooks_before_commits_are_local():
    """Nothing is fetched: hooks are programs of .venv."""
    config = read_yaml(ROOT / ".pre-commit-config.yaml")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert hook["entry"].startswith(".venv/bin/ruff ")


PATH = re.compile(r"(?<![\w/.-])((?:src|tests|benchmarks|examples|docs)/[\w./-]+\.\w+)")


def test_undefined_names_are_looked_for():
    """By both checkers; each could be told not to."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    lint = tools["ruff"]["lint"]
    ignored = [
        *lint["ignore"],
        *(rule for rules in lint["per-file-ignores"].values() for rule in rules),
    ]
    assert "F" in lint["select"]
    assert not [rule for rule in ignored if "F821".startswith(rule)]
    assert tools["pyright"].get("reportUndefinedVariable", True) not in (False, "none")
    assert tools["pyright"]["typeCheckingMode"] != "off"


def test_paths_in_the_documents_exist():
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in tracked_files()
        if path.suffix in (".md", ".cff", ".toml")
        for name in PATH.findall(path.read_text())
    }
    assert len(found) > 10
    assert [place for place in sorted(found) if not (ROOT / place[1]).exists()] == []


def test_the_layout_of_the_code_is_the_one_that_is_checked():
    """Every part of the package has its line, above all that it may import."""
    table = re.search(r"\| layer \|.*?\n\n", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[0]
    first_column = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    said = [name for cell in first_column for name in re.findall(r"`(\w+)`", cell)]
    package = ROOT / "src" / "accumbens"
    inside = {path.relative_to(package).parts[0] for path in package.rglob("*.py")}
    assert sorted(said) == sorted({Path(name).stem for name in inside} - {"__init__"})
    layers = PYPROJECT["tool"]["importlinter"]["contracts"][0]["layers"]
    rank = {name.split(".")[1]: i for i, layer in enumerate(layers)
            for name in layer.split(" | ")}  # fmt: skip
    ranks = [rank[name] for name in said if name in rank]
    assert ranks == sorted(ranks)
