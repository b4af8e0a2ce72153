"""Sections that every report has: warnings, how to make it again, methods, citation."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from typing import Any, NamedTuple

from ...run.provenance import made_in_words, read_made
from ...version import __version__
from ..markdown import markdown
from ..markup import Content, Markup, joined, named, tag
from ..payload import Payload
from ..records import Records
from ..tables import facts, figure, warnings

CITATION = (
    f"The accumbens authors. accumbens (version {__version__}): joint models of choices and "
    "dopamine. Apache-2.0."
)


class Section(NamedTuple):
    """A part of the page. name: its anchor. title: its head; in the contents too."""

    name: str
    title: str
    content: Markup


def figures_of(
    records: Records, payload: Payload, captions: dict[str, str], names: Iterable[str]
) -> Markup:
    """The stored figures of these names, and their further pages (`signal_rule_2`).

    captions: what each shows, of how many.
    """
    stored = records.figures
    pages = [
        (page, name) for name in names for page in stored if page == name or _is_page(page, name)
    ]
    return joined(
        figure(payload, page, captions.get(name, name.replace("_", " ")), stored[page],
               picture=None if name in captions else records.picture(page))
        for page, name in pages
    )  # fmt: skip


def _is_page(page: str, name: str) -> bool:
    """Whether it is a further page of the figure of that name."""
    return re.fullmatch(rf"{re.escape(name)}_\d+", page) is not None


def others(records: Records, payload: Payload, known: Iterable[str]) -> Section | None:
    """Figures that the run has and no section names."""
    known = list(known)
    stored = [
        name
        for name in records.figures
        if not any(name == one or _is_page(name, one) for one in known)
    ]
    if not stored:
        return None
    return Section("further", "Further figures", figures_of(records, payload, {}, stored))


def reproduce(records: Records, extra: Iterable[tuple[str, Content]] = ()) -> Section:
    """The exact command, versions, seed and fingerprint."""
    about, kind = records.about, records.kind
    versions = about.get("versions", {})
    options = records.text("config.toml") or ""
    source = shlex.quote(str(about.get("table", "TABLE")))
    config = shlex.quote(str(records.path / "config.toml"))
    command = f"accumbens {kind} {source} --config {config} --out NEW_FOLDER"
    seed = getattr(getattr(records.result, "config", None), "seed", None)
    pairs: list[tuple[str, Content]] = [
        ("Again, with the same numbers", tag("code", command)),
        *(("Made", made_in_words(entry)) for entry in read_made(records.path)),
        ("Table", named(about.get("table", "unknown"))),
        ("Fingerprint of its trials (SHA-256)", tag("code", about.get("fingerprint", "unknown"))),
        ("Seed", None if seed is None else str(seed)),
        *extra,
        ("Versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    listed = facts((what, said) for what, said in pairs if said is not None)
    return Section(
        "reproduce",
        "How to make it again",
        joined(listed, tag("details", tag("summary", "All options (config.toml)"),
                           tag("pre", options, tabindex="0"))),
    )  # fmt: skip


def methods(records: Records) -> Section:
    """The methods paragraph that the run wrote, and how to cite the software."""
    text = records.text("methods.md")
    said = (
        markdown("\n".join(text.split("\n")[1:]))
        if text
        else tag("p", "This run wrote no methods section.")
    )
    return Section("methods", "Methods, for a paper", joined(
        said, tag("h3", "Citation"), tag("p", CITATION)))  # fmt: skip


def checks(found: Iterable[str], more: Markup | None = None) -> Section:
    """Warnings and checks; says so where there are none."""
    texts = list(dict.fromkeys(found))
    said = warnings(texts) if texts else tag("p", "No warning was raised.")
    return Section("checks", "Checks and warnings", joined(said, more))


def counts(data: dict[str, Any], *, sessions: int | None = None, trials: int | None = None) -> str:
    """`n = 4 animals, 16 sessions, 1,280 trials`."""
    s = data["sessions"] if sessions is None else sessions
    t = data["trials"] if trials is None else trials
    parts = ((data["subjects"], "animal"), (s, "session"), (t, "trial"))
    return "n = " + ", ".join(f"{n:,} {what}{'' if n == 1 else 's'}" for n, what in parts)
