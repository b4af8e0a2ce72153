"""Writes the reference: a page for each namespace of the front door, from the docstrings.

A docstring's heads (`Args:`, `Returns:`, `Raises:`, `Attributes:`, `Source:`, `Example:`) become
paragraphs with lists; indented text, which is equations and examples, is kept as it stands.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import accumbens

HEADS = ("Args", "Returns", "Yields", "Raises", "Attributes", "Source", "Sources", "Example",
         "Examples")  # fmt: skip
SPECIAL = re.compile(r"([\\*_\[\]<>#$|{}~@])")


def namespaces() -> dict[str, ModuleType]:
    """`accumbens` and its namespaces, by their full names."""
    inside = {n: getattr(accumbens, n) for n in accumbens.__all__}
    return {"accumbens": accumbens} | {
        f"accumbens.{name}": found for name, found in inside.items() if inspect.ismodule(found)
    }


def members(module: ModuleType) -> dict[str, Any]:
    """The public functions and classes of a namespace."""
    found = {name: getattr(module, name) for name in sorted(module.__all__)}
    return {name: each for name, each in found.items() if not inspect.ismodule(each)}


def write(folder: Path) -> None:
    """Writes all pages, and an index of them, to a folder."""
    folder.mkdir(exist_ok=True)
    names = []
    for name, module in namespaces().items():
        page = "\n".join(_page(name, module)) + "\n"
        path = folder / f"{name}.md"
        if not path.is_file() or path.read_text() != page:
            path.write_text(page)
        names.append(name)
    lines = [
        "# Reference", "", "Every public function and class, by namespace. `accumbens` has what "
        "most analyses need.", "", "```{toctree}", ":maxdepth: 1", "", *names, "```", "",
    ]  # fmt: skip
    (folder / "index.md").write_text("\n".join(lines))


def _page(name: str, module: ModuleType) -> Iterator[str]:
    yield from (f"# {name}", "", *_text(inspect.getdoc(module) or ""))
    for short, found in members(module).items():
        yield from ("", f"({name}.{short})=", f"## {short}", "")
        if inspect.isclass(found):
            yield from _signature(short, found)
            yield from _text(inspect.getdoc(found) or "")
            for member, method in _methods(found):
                yield from ("", f"### {short}.{member}", "")
                if callable(method):
                    yield from _signature(f"{short}.{member}", method)
                yield from _text(inspect.getdoc(method) or "")
        else:
            yield from _signature(short, found)
            yield from _text(inspect.getdoc(found) or "")


def _methods(found: type) -> Iterator[tuple[str, Any]]:
    """Its own public methods and properties that have docstrings."""
    for name, member in vars(found).items():
        plain = getattr(member, "__func__", member)
        own = inspect.isfunction(plain) or isinstance(plain, property)
        if own and not name.startswith("_") and inspect.getdoc(plain):
            yield name, plain


def _signature(name: str, found: Any) -> list[str]:
    try:
        signature = str(inspect.signature(found))
    except (TypeError, ValueError):
        return []
    signature = re.sub(r"<[^<>]*(?:<[^<>]*>[^<>]*)*>", "...", signature)
    whole = f"{name}{signature}"
    if len(whole) > 90:
        whole = f"{name}(\n    " + _split(signature)
    return ["```python", whole, "```", ""]


def _split(signature: str) -> str:
    """Parameters, one a line."""
    depth, start, parts, end = 0, 1, [], len(signature)
    for i, letter in enumerate(signature):
        depth += letter in "([{"
        depth -= letter in ")]}"
        if depth == 0 and letter == ")":
            end = i
            break
        if depth == 1 and letter == ",":
            parts.append(signature[start:i].strip())
            start = i + 1
    parts.append(signature[start:end].strip())
    return ",\n    ".join(filter(None, parts)) + f",\n{signature[end:]}"


def _text(doc: str) -> Iterator[str]:
    """Markdown of a docstring."""
    for block in re.split(r"\n\s*\n", doc):
        lines = block.split("\n")
        head = lines[0].strip().removesuffix(":")
        if head in HEADS and lines[0].strip().endswith(":"):
            yield from (f"**{head}**", "")
            lines = inspect.cleandoc("\n".join(["", *lines[1:]])).split("\n")
            if head in ("Args", "Raises", "Attributes"):
                yield from _entries(lines)
                continue
        if not any(lines):
            continue
        indented = all(line.startswith("    ") or not line for line in lines)
        if indented or lines[0].startswith(">>>"):
            yield from ("```text", *lines, "```", "")
        else:
            yield from _paragraphs(lines)


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Lines as paragraphs; those that are indented as they stand."""
    kept: list[str] = []
    for line in [*lines, ""]:
        deep = line.startswith("    ")
        if kept and deep != kept[0].startswith("    "):
            yield from (["```text", *kept, "```", ""] if kept[0].startswith("    ") else
                        [*map(_escaped, kept), ""])  # fmt: skip
            kept = []
        if line:
            kept.append(line)
    if kept:
        yield from (*map(_escaped, kept), "")


def _entries(lines: list[str]) -> Iterator[str]:
    """`name: what it is`, with further lines indented, as a list."""
    entries: list[str] = []
    for line in lines:
        if line and not line.startswith(" "):
            entries.append(line)
        elif entries:
            entries[-1] += f" {line.strip()}"
    for entry in entries:
        name, colon, said = entry.partition(": ")
        yield f"- `{name}`: {_escaped(said)}" if colon else f"- {_escaped(entry)}"
    yield ""


def _escaped(line: str) -> str:
    """Text outside of `code` as text."""
    parts = line.split("`")
    if len(parts) % 2 == 0:
        return SPECIAL.sub(r"\\\1", line.replace("`", "'")).strip()
    marked = (f"`{p}`" if i % 2 else SPECIAL.sub(r"\\\1", p) for i, p in enumerate(parts))
    text = "".join(marked).strip()
    return re.sub(r"^(\d+)([.)])", r"\1\\\2", re.sub(r"^([-+=])", r"\\\1", text))
