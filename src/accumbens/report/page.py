"""The document: head, contents, sections, and the scripts that draw.

A policy in the head lets the page load nothing and run no script but its own, which are named by
their SHA-256: even markup that got into the page could do nothing.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from importlib.resources import files

from ..version import __version__
from .markup import Markup, joined, named, tag
from .payload import Payload
from .sections.shared import Section

SCRIPTS = (
    "bundled/d3.min.js", "bundled/plot.umd.min.js", "scripts/start.js", "scripts/parts.js",
    "scripts/rules.js", "scripts/fits.js", "scripts/credit.js", "scripts/networks.js",
    "scripts/tracks.js", "scripts/sliders.js", "scripts/explorer.js", "scripts/watch.js",
    "scripts/end.js",
)  # fmt: skip
"""In the order in which they run."""


def page(
    title: str, of: str, sections: Sequence[Section], payload: Payload, *, connect: bool = False
) -> str:  # fmt: skip
    """The whole HTML document.

    Args:
        title: of the report.
        of: the table that was analysed.
        sections: its parts.
        payload: what the scripts read.
        connect: whether the page may ask the server that it is from.
    """
    scripts = [text_of_package(name) for name in SCRIPTS]
    sources = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {sources}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    ) + ("; connect-src 'self'" if connect else "")
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("meta", name="generator", content=f"accumbens {__version__}"),
        tag("link", rel="icon", href="data:,"),
        tag("title", f"{title}: {of}"),
        tag("style", Markup(text_of_package("scripts/style.css"))),
    )
    contents = tag(
        "nav",
        tag("ul", (tag("li", tag("a", s.title, href=f"#{s.name}")) for s in sections)),
        aria_label="Contents",
    )
    top = tag(
        "header",
        tag("p", f"accumbens {__version__}", class_="maker"),
        tag("h1", title),
        tag("p", "of ", tag("strong", named(of))),
        tag("button", "Dark or light", type="button", id="theme"),
    )
    body = tag(
        "body",
        tag("a", "To the findings", href="#main", class_="skip"),
        top,
        tag("div", contents, tag("main", map(_section, sections), id="main"), class_="columns"),
        tag("p", "", id="said", role="status", class_="unseen"),
        tag("script", Markup(payload.packed()), type="application/octet-stream", id="payload"),
        (tag("script", Markup(script)) for script in scripts),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _section(section: Section) -> Markup:
    return tag(
        "section",
        tag("h2", section.title, id=f"{section.name}-head"),
        joined(section.content),
        id=section.name, aria_labelledby=f"{section.name}-head",
    )  # fmt: skip


@functools.cache
def text_of_package(name: str) -> str:
    """A file of this package; a script that would end the element it stands in is refused."""
    text = files("accumbens.report").joinpath(name).read_text(encoding="utf-8")
    assert "</script" not in text.lower(), name
    return text


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
