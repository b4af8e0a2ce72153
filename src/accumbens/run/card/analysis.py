"""A card of many fits: what they agree on, what it is called, and whether it stands up to checks.

config.toml            every option, the runs, versions and the fingerprint of the data
metrics.json           what was found, in numbers and sentences
mechanisms.csv         a row a mechanism: how often, how well, what it does, what it disagrees about
latents.csv            a row for each input of each latent of each mechanism
names.csv              a row for each latent of each mechanism: the variable that it follows
fits.csv               a row a fit: its mechanism, its score, what it leaned on
equations.csv          a row a term of the equations of the first mechanism's representative;
                       parameters.csv: as the field's parameters; recovered.csv: found again
card.md, card.html     the same on one page (written by the report)
figures/               the mechanisms as diagrams
made.json              when, where, by which command and how long it was made
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from ...files import folder_for_results, write_atomically
from ...io.tables.trials import write_table
from ...mechanisms.consensus import find_consensus
from ...mechanisms.fits import HeldOut
from ...mechanisms.mechanism import Consensus
from ...mechanisms.names import LatentName, name_latents, names_to_frame
from ...mechanisms.scores import MemberScores, above_reference, held_out_of, scores_of
from ...mechanisms.variables import fit_agents
from ...models.base import Model
from ...progress.base import Progress
from ...progress.display import shown
from ...threefry import key_of
from ..finite import without_nan
from ..kinds import refuse_used
from ..provenance import fingerprint, versions, work_noted
from ..stored import StoredAnalysis, load_analysis
from ..toml import write_toml
from .config import CardConfig
from .equations import equations_of
from .findings import alternatives, copies_in_words, unknowns
from .reading import Fits, read_fits

if TYPE_CHECKING:
    import pandas as pd


def run_card(
    sources: Sequence[str | Path],
    config: CardConfig,
    out: str | Path,
    progress: Progress | None = None,
) -> StoredAnalysis:
    """What many fits agree on, from the folders of their runs into a new folder.

    Args:
        sources: folders of `accumbens sweep`, of `accumbens fit`, or of both; all of one table.
        config: thresholds, models and checks.
        out: folder to create.
        progress: told of what is done; by default bars at a terminal and in notebooks.

    Returns:
        The finished analysis; its `metrics` hold the sentences, its tables the numbers.

    Raises:
        ConfigError: the folder already holds a result, or there is no source.
        DataError: a source is no sweep and no fit, or they are of different tables.
    """
    folder = Path(out)
    refuse_used(folder, "card")
    with (
        shown(progress) as progress,
        folder_for_results(folder, "folder of a card"),
        work_noted(folder),
    ):
        found = read_fits(sources, progress)
        _write(found, config, folder, sources, progress)
    return load_analysis(folder)


def _write(
    found: Fits, config: CardConfig, folder: Path, sources: Sequence[str | Path], progress: Progress
) -> None:  # fmt: skip
    rng, key = np.random.default_rng(config.seed), jax.random.key(config.seed)
    with progress.task("mechanisms"):
        consensus = find_consensus(found.fits, found.trials, rng=rng, config=config.consensus)
    agents: dict[str, Model] = {}
    if any(m.n_latents for m in consensus.mechanisms):
        with progress.task("cognitive models"):
            fitted = found.trials if found.fitted is None else found.fitted
            agents = fit_agents(fitted, key=key_of(key, "agents"), names=config.agents)
    with progress.task("names"):
        names = {m.number: name_latents(m.anatomy, found.trials, agents)
                 for m in consensus.mechanisms}  # fmt: skip
    rivals = _against_agents(found, consensus, agents, rng, config)
    written: dict[str, Any] = {}
    tables: dict[str, pd.DataFrame] = {}
    if config.equations and not consensus.nothing_found:
        first = next(f for f in found.fits if f.name == consensus.first.representative)
        with progress.task("equations and their check"):
            written, tables = equations_of(first.model, found, config, key_of(key, "check"), rng)
    fits = _fits_frame(found, consensus)
    metrics = {
        "data": {
            "subjects": len(set(found.trials.subject.tolist())),
            "sessions": found.trials.n_sessions,
            "trials": int(found.trials.length.sum()),
        },
        "consensus": consensus.as_dict(),
        "names": {str(n): [_name(one) for one in each] for n, each in names.items()},
        "equations": written,
        "cognitive_models": rivals,
        "alternatives": alternatives(consensus, rivals),
        "copies": copies_in_words(consensus, found.fits, names[1]),
        "unknown": unknowns(consensus, found, names[1]),
        "warnings": list(found.left_out),
    }
    for name, frame in {
        "mechanisms": consensus.to_frame(), "latents": consensus.latents_to_frame(),
        "names": _names_frame(names), "fits": fits, **tables,
    }.items():  # fmt: skip
        write_table(frame, folder / f"{name}.csv")
    if config.figures:
        from ...figures.mechanisms.all import draw_mechanism_figures

        with progress.task("figures"):
            draw_mechanism_figures(consensus, folder / "figures")
    about = {
        "kind": "card", "sources": [str(Path(s).resolve()) for s in sources], "table": found.table,
        "fingerprint": fingerprint(found.trials), "versions": versions(),
    }  # fmt: skip
    write_toml(folder / "config.toml", config, about)
    text = json.dumps(without_nan(metrics), indent=1, allow_nan=False)
    write_atomically(folder / "metrics.json", text.encode())


def _against_agents(
    found: Fits, consensus: Consensus, agents: dict[str, Model], rng: np.random.Generator,
    config: CardConfig,
) -> dict[str, dict[str, float | None]]:  # fmt: skip
    """Log likelihood per held-out choice of each cognitive model above that of the first mechanism.

    Without sessions that all runs held out, nothing: agents were then fitted to all of them.
    """
    if found.fitted is None or found.held_out is None:
        return {}
    members = [fit for fit in found.fits if fit.name in consensus.first.members]
    reference = held_out_of(members)
    rows = {}
    for label, model in agents.items():
        scores: MemberScores | None = scores_of(HeldOut.of(model, found.fitted, found.held_out))
        above = above_reference(scores, reference, rng, config.consensus.resamples)
        if above is not None:
            rows[label] = above._asdict()
    return rows


def _name(one: LatentName) -> dict[str, Any]:
    return {
        "latent": one.latent, "named": one.named, "sentence": one.sentence,
        "best": None if one.best is None else one.best._asdict(),
        "runner_up": None if one.runner_up is None else one.runner_up._asdict(),
        "told_apart": one.told_apart, "rates": one.rates,
    }  # fmt: skip


def _names_frame(names: dict[int, tuple[LatentName, ...]]) -> pd.DataFrame:
    import pandas as pd

    parts = [
        names_to_frame(each).assign(mechanism=number) for number, each in names.items() if each
    ]
    if not parts:
        return pd.DataFrame(columns=pd.Index(["mechanism", "latent", "sentence"]))
    frame = pd.concat(parts, ignore_index=True)
    frame.insert(0, "mechanism", frame.pop("mechanism"))
    return frame


def _fits_frame(found: Fits, consensus: Consensus) -> pd.DataFrame:
    import pandas as pd

    of = {name: m for m in consensus.mechanisms for name in m.members}
    rows = []
    for fit, folder in zip(found.fits, found.folders, strict=True):
        scores = held_out_of([fit])
        rows.append(
            {
                "fit": fit.name,
                "mechanism": of[fit.name].number,
                "representative": of[fit.name].representative == fit.name,
                "normalized_likelihood": None if scores is None else float(np.exp(scores.mean)),
                "leaned_on": fit.leaned_on,
                "share": fit.share,
                "folder": str(folder),
            }
        )
    return pd.DataFrame(rows)
