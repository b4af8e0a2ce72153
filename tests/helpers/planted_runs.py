"""Run folders that hold a planted network, without a fit that takes a minute."""

import json
import shutil
from pathlib import Path

from accumbens.io.models import save_model
from accumbens.models.disrnn import DisRNN


def planted_run(
    fitted: Path, folder: Path, network: DisRNN, *, share: float = 0.0, guide: str | None = None
) -> Path:
    """A copy of the finished run in `fitted`, to which a disRNN is added; its folder.

    The scores of that disRNN in metrics.json are those of the run's first model. share, guide: as
    a selection writes down what the network leaned on.
    """
    shutil.copytree(fitted, folder)
    save_model(network, folder / "models" / "disrnn")
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text())
    scores = next(iter(metrics["models"].values()))
    chosen = {} if guide is None else {"selection": {"share": share, "guide": guide}}
    metrics["models"]["disrnn"] = scores | {"fit": chosen}
    path.write_text(json.dumps(metrics))
    return folder
