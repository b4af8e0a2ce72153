"""`accumbens card`: what many fits agree on, on one page."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from ..errors import ConfigError
from ..run.card.config import CardConfig
from ..run.options import POSITIONAL, ROOT
from .commands import Command
from .output import Output

if TYPE_CHECKING:
    from ..run.stored import StoredAnalysis


@dataclasses.dataclass(frozen=True)
class CardCommand(Command):
    """What many fits of one table agree on: how many distinct mechanisms, how often each was
    found and how well it predicts, what its latents are called, its equations and their checks,
    alternatives that predict as well, and what the data cannot tell. One page, as Markdown and
    HTML."""

    compiles: ClassVar = True
    first: ClassVar = ("out", "alike", "agents", "equations", "seed")
    words: ClassVar = {
        "mechanism": "What a fitted network does: how many latents it uses, what moves each, how "
        "each moves, and how choices follow from them.",
        "latent": "A number that a network carries from trial to trial, such as a value.",
    }
    examples: ClassVar = """
accumbens card sweeps/starts
accumbens card runs/first runs/second --out cards/both
"""

    sources: Annotated[tuple[Path, ...], POSITIONAL] = ()
    """Folders of sweeps, of fits, or of both, all of one table."""
    out: Path | None = None
    """Folder to make; by default cards/<name of the first folder>."""
    options: Annotated[CardConfig, ROOT] = dataclasses.field(default_factory=CardConfig)
    """What is compared and checked."""

    @property
    def folder(self) -> Path:
        """The folder of the card."""
        if not self.sources:
            raise ConfigError("Name a sweep, or runs: accumbens card SWEEP")
        return self.out or Path("cards") / self.sources[0].resolve().name

    def run(self, out: Output) -> None:
        folder = self.folder
        from ..report.card import write_card
        from ..run.card.analysis import run_card
        from .printing import shown_progress

        with shown_progress() as progress:
            found = run_card(self.sources, self.options, folder, progress)
        markdown, page = write_card(folder)
        print_card(out, found)
        out.paths(card=page, text=markdown, folder=folder)

    def interrupted(self) -> str:
        return "A card keeps nothing before its end. Run the same command again."


def print_card(out: Output, found: StoredAnalysis) -> None:
    """What was found, names and checks, in sentences."""
    metrics: dict[str, Any] = found.metrics
    consensus, equations = metrics["consensus"], metrics["equations"]
    out.say("", consensus["sentence"])
    for warning in filter(None, [metrics["copies"], *metrics["warnings"]]):
        out.warn(warning)
    if not consensus["nothing_found"]:
        out.say(*(one["sentence"] for one in metrics["names"]["1"]))
        if equations.get("text"):
            out.say(*equations["text"].splitlines())
        out.say(*filter(None, [equations.get("verdict")]), *equations.get("checks", []))
    for title, lines in (
        ("Alternatives that predict as well", metrics["alternatives"]),
        ("What the data cannot tell", metrics["unknown"]),
    ):
        if lines:
            out.say(f"{title}:", *(f"  {line}" for line in lines))


def print_saved_card(out: Output, folder: Path) -> None:
    """What a finished card says."""
    from ..run.stored import load_analysis

    print_card(out, load_analysis(folder))
    out.paths(folder=folder)
