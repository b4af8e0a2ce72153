"""A running fit or sweep, as its records on disk tell, for a page that asks again and again.

The server listens on the loopback address alone, so that nobody else in the network sees the data,
and answers two addresses: the page, and the state.
"""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import ConfigError, DataError
from ..fit.unfinished import read_arrays
from ..models.disrnn.bottleneck import noise_scale
from ..run.fit.folder import RunFolder
from ..run.kinds import kind_of, load_result
from .markup import tag
from .page import page
from .payload import Payload
from .sections.shared import Section

LOOPBACK = "127.0.0.1"
MOST_POINTS = 400
"""Steps of a term of the loss that are sent; of more, so many evenly spaced ones."""


def progress_of(folder: str | Path) -> dict[str, Any]:
    """How far a fit or a sweep has come.

    Args:
        folder: of the run or the sweep.

    Returns:
        Of a fit: whether it is `finished`, and for each disRNN that is trained, by the name of its
        checkpoint, the `losses` by stage and term ([step, value] each) and the noise of its
        `latents`. Of a sweep: how many `cells` are in each state.

    Raises:
        ConfigError: it is another kind of result.
        DataError: it is no result.
    """
    path = Path(folder)
    kind = kind_of(path).name
    if kind == "sweep":
        counts = load_result(path).count()
        finished = not {"running", "begun", "to do"} & counts.keys()
        return {"kind": kind, "finished": finished, "cells": counts, "fits": {}}
    if kind != "fit":
        raise ConfigError(
            f"{path} holds a result of the kind {kind}, which cannot be watched. Name the folder "
            "of a fit or of a sweep."
        )
    run = RunFolder(path)
    fits = {p.stem: _reached(p) for p in sorted(run.checkpoints.glob("*.safetensors"))}
    known = {name: found for name, found in fits.items() if found["losses"]}
    return {"kind": kind, "finished": run.finished, "cells": {}, "fits": known}


def _reached(path: Path) -> dict[str, Any]:
    """What a checkpoint says; nothing where it is being replaced, or is of another kind."""
    found: dict[str, Any] = {"losses": {}, "latents": []}
    try:
        arrays, _ = read_arrays(path)
    except (DataError, OSError):
        return found
    for name, values in arrays.items():
        if name.startswith("history/"):
            _, stage, term = name.split("/", 2)
            at = np.unique(np.linspace(0, len(values) - 1, MOST_POINTS).astype(int))
            points = [[int(i) + 1, float(values[i])] for i in at if np.isfinite(values[i])]
            found["losses"].setdefault(stage, {})[term] = points
        elif name.startswith(("model/", "trained/")) and "core.bottleneck.log_sigma" in name:
            noise = np.minimum(noise_scale(jnp.asarray(values)), 1.0)
            if name.startswith("trained/") or not found["latents"]:
                found["latents"] = noise.ravel().tolist()
    return found


def server_of(folder: str | Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of the page of a run or sweep, which its caller starts and stops.

    Args:
        folder: of the run or the sweep.
        port: to listen on; 0: one that is free.

    Raises:
        ConfigError: it is another kind of result, or the port is taken.
        DataError: it is no result.
    """
    progress_of(folder)
    text = "Read from the folder every two seconds; nothing leaves this machine."
    content = (tag("p", text, class_="hint"), tag("div", id="watched"))
    section = Section("now", "How far it has come", tag("div", *content))
    shown = page("Under way", str(folder), [section], Payload(), connect=True).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            local = self.headers.get("Host", "").rsplit(":", 1)[0] in (LOOPBACK, "localhost")
            if not local or self.path not in ("/", "/state.json"):
                self.send_error(404)
                return
            kind, body = "text/html; charset=utf-8", shown
            if self.path == "/state.json":
                kind, body = "application/json", json.dumps(_state(folder)).encode()
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Cache-Control", "no-store")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    try:
        return ThreadingHTTPServer((LOOPBACK, port), Handler)
    except OSError as error:
        raise ConfigError(f"Port {port} cannot be used ({error}). Give another one.") from error


def _state(folder: str | Path) -> dict[str, Any]:
    try:
        return progress_of(folder)
    except (ConfigError, DataError) as error:
        return {"error": str(error)}
