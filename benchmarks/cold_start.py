"""From a cold start to a fitted two-stage model of the synthetic set, against `disentangled_rnns`.

    python benchmarks/cold_start.py [--limit 450]

accumbens: seconds from starting a Python process with an empty kernel cache until the two-stage
disRNN is fitted, imports, data and compilation included; then again with the kernel in the cache.
The peer: two stages assembled from its own parts (`peer_two_stage.py`) on the same sessions, at
three moments: when its held-out normalized likelihood of choices is within 0.0005 of that of
accumbens; when a second stage begun there has a held-out dopamine MSE of at most the 0.004 that
`synthetic.py` asks for; and when the first stage alone, going on, has closed all but two latents
too, as `synthetic.py` also asks for. Its imports (JAX aside) and each stage's first compilation are
included, evaluation and further compilations are not. The peer is given up after `limit` seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time

import peer

LIKELIHOOD_TOLERANCE = 0.0005


def ours() -> dict:
    """Fits in this process; when that was done, quality and the criteria of `synthetic.py`."""
    from synthetic import BY_HAND, fitted, halves, judged

    train, test = halves(0)
    fit = fitted(train, 0, BY_HAND)
    done = time.time()
    found = judged(fit, test)
    return {"done": done, "ratio": found.ratio, "stages": found.seconds, "line": str(found)}


def in_a_new_process(cache: str) -> tuple[float, dict]:
    """Wall-clock seconds from the start of the process to the fitted model, and what it found."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    began = time.time()
    finished = subprocess.run(
        [sys.executable, __file__, "--ours"], env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    found = json.loads(finished.stdout.splitlines()[-1])
    return found["done"] - began, found


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold start to fitted model.")
    parser.add_argument("--limit", type=float, default=450.0, help="seconds to give the peer")
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours()))
        return
    with tempfile.TemporaryDirectory() as cache:
        cold, found = in_a_new_process(cache)
        warm, again = in_a_new_process(cache)
    print(found["line"])
    print(f"accumbens, nothing cached: {cold:.1f} s (of which the stages {found['stages']:.1f})")
    print(f"accumbens, kernel cached:  {warm:.1f} s (of which the stages {again['stages']:.1f})")
    if not peer.installed():
        return
    from peer_two_stage import two_stages
    from synthetic import MAX_ERROR

    goal = found["ratio"] - LIKELIHOOD_TOLERANCE
    for stage, reached in two_stages(goal, MAX_ERROR, options.limit):
        met = "" if reached.met else " (given up before that)"
        print(
            f"disentangled_rnns, {stage}: {reached.steps} steps, {reached.seconds:.0f} s, "
            f"{reached.seconds / cold:.1f} times as long{met}; likelihood ratio "
            f"{reached.ratio:.4f}, dopamine MSE {reached.mse:.5f}, open latents "
            f"{reached.n_open}",
            flush=True,
        )


if __name__ == "__main__":
    main()
