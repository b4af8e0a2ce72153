"""The little Markdown that runs write (heads, paragraphs, numbered lists) as HTML."""

from __future__ import annotations

import re

from .markup import Markup, joined, tag


def markdown(text: str, *, head: str = "h3") -> Markup:
    """HTML of a methods section.

    Args:
        text: heads with #, paragraphs, lists with numbers; all else is text.
        head: element of every head.
    """
    return joined(_block(block, head) for block in re.split(r"\n\s*\n", text.strip()) if block)


def _block(block: str, head: str) -> Markup:
    if block.startswith("#"):
        return tag(head, block.lstrip("# "))
    lines = block.split("\n")
    if all(re.match(r"\d+\. ", line) for line in lines):
        return tag("ol", (tag("li", line.split(". ", 1)[1]) for line in lines))
    return tag("p", block)
