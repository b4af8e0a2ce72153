"""The networks of a disRNN as arrays, for the page to evaluate.

What the page computes is `DisRNN.choice_logits`, `signals` and `update`, in double precision; tests
compare it with those.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..models.disrnn import DisRNN
from ..models.disrnn.reader import Reader
from ..models.disrnn.recurrence.scan import LATENT_BOUND
from .payload import Payload


def networks(model: DisRNN, payload: Payload) -> dict[str, Any]:
    """What the header says of a disRNN's networks; their arrays go to the payload.

    Args:
        model: the fitted disRNN.
        payload: is given the arrays.
    """
    return {
        "latents": list(model.latent_names),
        "bound": LATENT_BOUND,
        "choices": model.n_choices,
        "signals": list(model.signal_names),
        "update": _reader(model.core.reader, payload),
        "choice": _reader(model.choice_network.reader, payload),
        "signal": _reader(model.signal_networks.reader, payload),
        "z_initial": payload.array(_single(model.core.z_initial)),
        "embedding": payload.array(_single(model.core.embedding)),
        "signal_embedding": payload.array(_single(model.signal_networks.embedding)),
        "signal_mean": payload.array(_single(model.signal_units.mean)),
        "signal_scale": payload.array(_single(model.signal_units.scale)),
    }


def _reader(reader: Reader, payload: Payload) -> dict[str, Any]:
    nets = reader.mlps
    arrays = {"multiplier": reader.multiplier} | {
        name: getattr(nets, name)
        for name in ("w_in", "b_in", "w_hidden", "b_hidden", "w_out", "b_out")
    }
    found = {name: payload.array(_single(array)) for name, array in arrays.items()}
    return {**found, "activation": nets.activation}


def _single(array: Any) -> np.ndarray:
    return np.asarray(array, np.float32)
