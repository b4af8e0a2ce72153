"""What is said about the project in several places is the same in all of them."""

import re
import tomllib

from packaging.version import Version
from ruamel.yaml import YAML

import accumbens
from helpers.tracked import ROOT, tracked_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
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
