"""The documentation site: every public object is in the reference, every page has a place."""

import inspect
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from helpers.front_door import public_object, public_objects
from helpers.tracked import ROOT

DOCS = ROOT / "docs"
sys.path.insert(0, str(DOCS))
import reference_pages  # noqa: E402


def test_every_public_object_is_in_the_reference(tmp_path):
    reference_pages.write(tmp_path)
    pages = {p.stem: p.read_text() for p in tmp_path.glob("*.md")}
    for name in public_objects():
        where, _, short = name.rpartition(".")
        assert f"({name})=\n## {short}\n" in pages[where]
    index = pages["index"].split("\n")
    assert set(pages) - {"index"} <= set(index)
    assert pages["accumbens"].count("**Args**") > 20


def test_docstrings_become_markdown():
    text = "\n".join(reference_pages._text(inspect.cleandoc('''
        Adds *two* numbers_ and `one_name`.

            y = a_1 + b

        Args:
            a: the first,
                in the unit.
            b: second.

        Example:
            >>> add(1, 2)
            3
        ''')))  # fmt: skip
    assert r"Adds \*two\* numbers\_ and `one_name`." in text
    assert "```text\n    y = a_1 + b\n```" in text
    assert "- `a`: the first, in the unit.\n- `b`: second." in text
    assert "**Example**\n\n```text\n>>> add(1, 2)\n3\n```" in text


def test_signatures_are_split_by_parameter():
    def f(a: dict[str, int], *, b: tuple[int, ...] = (1, 2)) -> None: ...

    assert reference_pages._split(str(inspect.signature(f))) == (
        "a: dict[str, int],\n    *,\n    b: tuple[int, ...] = (1, 2),\n) -> None"
    )
    assert public_object("accumbens.unroll").__doc__


def test_every_page_has_a_place():
    pages = {p.stem for p in DOCS.glob("*.md")} - {"index"}
    listed = re.findall(r"^([\w/]+)$", (DOCS / "index.md").read_text(), re.MULTILINE)
    assert pages == {name for name in listed if "/" not in name}
    assert "reference/index" in listed


@pytest.mark.parametrize("name", ["CHANGELOG.md", "CONTRIBUTING.md"])
def test_what_the_site_includes_has_no_links_that_hold_in_one_folder_only(name):
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    assert [link for link in links if not urlsplit(link).scheme] == []


class Links(HTMLParser):
    """Addresses that a page names, and the places in it."""

    def __init__(self):
        super().__init__()
        self.links, self.loaded, self.places = [], [], set()

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.places |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        if tag in ("script", "img", "link", "iframe"):
            self.loaded += [found[key] for key in ("src", "href") if found.get(key)]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    pytest.importorskip("myst_nb", reason="the extra docs is not installed")
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", str(DOCS), str(tmp_path)],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pages = {}
    for path in tmp_path.rglob("*.html"):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    assert len(pages) > 20
    for path, page in pages.items():
        assert "&lt;Figure size" not in path.read_text(encoding="utf-8"), "a figure is no picture"
        assert [u for u in page.loaded if urlsplit(u).scheme not in ("", "data")] == [], path
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or link.startswith("//"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].places, f"{path}: {link}"
    assert "<iframe" in Path(tmp_path / "start.html").read_text(encoding="utf-8")
