"""The card of many fits: one page, as Markdown and HTML, from the records of `accumbens card`."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import DataError
from ..files import write_atomically
from ..run.provenance import made_in_words, read_made
from ..run.stored import load_analysis
from ..summary import between, counted
from ..version import __version__
from .markup import Markup, joined, tag
from .page import text_of_package

FIGURE = "mechanism_diagrams"
MOST_ROWS = 8
"""Mechanisms in the table; the rest are in mechanisms.csv."""


class Block(NamedTuple):
    """A piece of the card.

    Attributes:
        kind: head, text, list, code, table or figure.
        content: a string; of a list its lines, of a table its rows, heads first.
    """

    kind: str
    content: Any


def write_card(folder: str | Path) -> tuple[Path, Path]:
    """Writes card.md and card.html into the folder of a card, from its records alone.

    Args:
        folder: that `accumbens card` wrote.

    Returns:
        Both files.

    Raises:
        DataError: the folder holds no card, or it is damaged.
    """
    path = Path(folder)
    found = load_analysis(path)
    if found.kind != "card":
        raise DataError(f"{path} holds a result of the kind {found.kind}, and no card.")
    blocks = card_blocks(found.metrics, found.about, made=_made(path))
    picture = path / "figures" / f"{FIGURE}.png"
    blocks = [b for b in blocks if b.kind != "figure" or picture.is_file()]
    title = f"Card: {Path(str(found.about['table'])).name}"
    markdown, page = path / "card.md", path / "card.html"
    write_atomically(markdown, as_markdown(title, blocks).encode())
    write_atomically(page, as_html(title, blocks, picture).encode())
    return markdown, page


def card_blocks(
    metrics: dict[str, Any], about: dict[str, Any], *, made: str = ""
) -> list[Block]:  # fmt: skip
    """What a card says, piece by piece: a finding without a number or a check without an answer is
    left out, and said to be.

    Args:
        metrics: of the card's metrics.json.
        about: of its config.toml.
        made: when, where and by which command.
    """
    consensus, data = metrics["consensus"], metrics["data"]
    first, equations = consensus["mechanisms"][0], metrics["equations"]
    blocks = [
        Block("text", (
            f"{counted(consensus['n_fits'], 'fit')} of {counted(data['subjects'], 'animal')}, "
            f"{counted(data['sessions'], 'session')}, {counted(data['trials'], 'trial')}."
        )),
        Block("head", "What was found"),
        Block("strong", consensus["sentence"]),
        Block("warning", metrics["copies"]),
        Block("list", _first_in_words(first)),
        Block("figure", FIGURE),
        Block("table", _mechanisms(consensus)),
    ]  # fmt: skip
    if consensus["nothing_found"]:
        blocks.append(Block("text", "Names and equations are left out: there is nothing to name."))
    else:
        blocks += [
            Block("head", "What the latents are called"),
            Block("list", [one["sentence"] for one in metrics["names"]["1"]]),
            Block("head", "Equations"),
            Block("code", equations.get("text", "")),
            Block("text", equations.get("verdict", "Equations were not asked for.")),
            Block("head", "Checks"),
            Block("list", equations.get("checks") or ["Nothing was checked."]),
        ]
    differ = [f"Mechanism {m['mechanism']}: {m['differs']}" for m in consensus["mechanisms"][1:]]
    rest = len(differ) - MOST_ROWS
    if rest > 0:
        differ = [*differ[:MOST_ROWS], f"{rest} further ones are in mechanisms.csv."]
    none = ["None of those that were tried."]
    blocks += [
        Block("head", "What fits disagree about"),
        Block("list", differ or ["Nothing: all have one mechanism."]),
        Block("head", "Alternatives that predict as well"),
        Block("list", metrics["alternatives"] or none),
        Block("head", "What the data cannot tell"),
        Block("list", [*metrics["unknown"], *metrics["warnings"]] or ["Nothing more was noticed."]),
        Block("text", _how(consensus, about, made)),
    ]
    return [block for block in blocks if block.content]


def _first_in_words(first: dict[str, Any]) -> list[str]:
    said = []
    if first["normalized_likelihood"] is not None:
        said.append(f"Normalized likelihood on held-out sessions: {_estimate(first)}.")
        above = _estimate(first, "above_chance")
        said.append(f"Above a fixed bias: {above} nats per choice.")
    if first["r2"]:
        r2 = ", ".join(f"{x:.2f}" for x in first["r2"])
        moves = ", ".join(f"{x:.2f}" for x in first["updates_r2"])
        said.append(
            f"Agreement of its fits (median R2 with the representative): latents {r2}; how they "
            f"move {moves}."
        )
    if first["latents_used"]:
        said.append(f"Representative: {first['representative']}. {first['what_it_does']}.")
    return said


def _mechanisms(consensus: dict[str, Any]) -> list[list[str]]:
    heads = ["mechanism", "found", "latents", "normalized likelihood", "against the first (nats)",
             "R2 of latents", "leaned on"]  # fmt: skip
    rows = []
    for m in consensus["mechanisms"][:MOST_ROWS]:
        r2 = "–" if m["r2_of_latents"] is None else f"{m['r2_of_latents']:.2f}"
        rows.append(
            [
                str(m["mechanism"]), f"{m['found']} of {m['fits']}", str(m["latents_used"]),
                _estimate(m), _estimate(m, "above_first"), r2,
                "–" if m["leaned_on_models"] == "none" else m["leaned_on_models"],
            ]
        )  # fmt: skip
    return [heads, *rows]


def _estimate(row: dict[str, Any], name: str = "normalized_likelihood") -> str:
    return between(row[name], row[f"{name}_low"], row[f"{name}_high"])


def _how(consensus: dict[str, Any], about: dict[str, Any], made: str) -> str:
    limits = consensus["thresholds"]
    made = f" {made}." if made else ""
    return (
        f"Fits count as one mechanism where R2 of latents, updates and log-odds is "
        f"{limits['alike']:g} or more, and where an input that moves a latent of one (more than "
        f"{limits['used']:.0%} of the variance of its changes) moves that of the other (more than "
        f"{limits['unused']:.0%}). Intervals: 95 %. Table: {about.get('table')}; fingerprint "
        f"{str(about.get('fingerprint'))[:12]}. accumbens {__version__}.{made}"
    )


def _made(path: Path) -> str:
    entries = read_made(path)
    return made_in_words(entries[-1]) if entries else ""


def as_markdown(title: str, blocks: Sequence[Block]) -> str:
    """The card as Markdown."""
    parts = [f"# {_plain(title)}"]
    for kind, content in blocks:
        if kind == "head":
            parts.append(f"## {content}")
        elif kind == "list":
            parts.append("\n".join(f"- {_plain(line)}" for line in content))
        elif kind == "table":
            heads, *rows = content
            lines = [heads, ["---"] * len(heads), *rows]
            parts.append(
                "\n".join(
                    f"| {' | '.join(_plain(c).replace('|', '/') for c in r)} |" for r in lines
                )
            )
        elif kind == "code":
            parts.append(f"```text\n{content.replace('```', '')}\n```")
        elif kind == "figure":
            parts.append(f"![Mechanisms as diagrams](figures/{content}.png)")
        else:
            text = _plain(content)
            parts.append(f"**{text}**" if kind in ("strong", "warning") else text)
    return "\n\n".join(parts) + "\n"


def as_html(title: str, blocks: Sequence[Block], picture: Path) -> str:
    """The card as one HTML document that asks nothing of the network and runs no script."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light"),
        tag("title", title),
        tag("style", Markup(text_of_package("scripts/style.css"))),
    )
    top = tag(
        "header", tag("p", f"accumbens {__version__}", class_="maker"), tag("h1", title)
    )  # fmt: skip
    main = tag("main", (_html(block, picture) for block in blocks), id="main",
               style="max-width:56rem;margin:0 auto;padding:0 1rem 3rem")  # fmt: skip
    body = tag("body", top, main)
    return f"<!doctype html>\n{tag('html', head, body, lang='en', data_theme='light')}\n"


def _html(block: Block, picture: Path) -> Markup:
    kind, content = block
    if kind == "head":
        return tag("h2", content)
    if kind == "list":
        return tag("ul", (tag("li", line) for line in content))
    if kind == "code":
        return tag("pre", content, tabindex="0")
    if kind == "table":
        heads, *rows = content
        return tag(
            "div",
            tag(
                "table",
                tag("thead", tag("tr", (tag("th", h, scope="col") for h in heads))),
                tag("tbody", (tag("tr", (tag("td", cell) for cell in row)) for row in rows)),
            ),
            class_="scroll", tabindex="0", role="region", aria_label="Mechanisms",
        )  # fmt: skip
    if kind == "figure":
        data = base64.b64encode(picture.read_bytes()).decode()
        image = tag("img", src=f"data:image/png;base64,{data}", alt="Mechanisms as diagrams",
                    style="max-width:100%;background:#fff")  # fmt: skip
        return tag("figure", image)
    classes = {"strong": "verdict", "warning": "warning"}
    return joined(tag("p", content, class_=classes.get(kind)))


def _plain(text: object) -> str:
    """Text in which Markdown marks nothing: names come from users' files."""
    escaped = str(text).replace("\\", "\\\\")
    for mark in "*`<>[]":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped.replace("\n", " ").replace("\r", " ")
