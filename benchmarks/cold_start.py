"""From a cold start to a fitted two-stage model of the synthetic set, against `disentangled_rnns`.

    python benchmarks/cold_start.py [--limit 900]

accumbens: seconds from starting a Python process with an empty kernel cache until the two-stage
disRNN is fitted and evaluated, imports and compilation included; then again with the kernel in the
cache. The peer: two stages assembled from its own parts (`peer_two_stage.py`) on the same sessions,
first until its held-out normalized likelihood of choices is within 0.0005 of that of accumbens,
then until its held-out dopamine MSE is at most the 0.004 that `synthetic.py` asks for; imports and
each stage's first compilation included, evaluation and further compilations left out. It is given
up after `limit` seconds.
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
MOST_ERROR = 0.004


def ours() -> dict:
    """Fits in this process; quality and the criteria of `synthetic.py`."""
    from accumbens.cli.demo import DEMO
    from synthetic import recover

    found = recover(0, DEMO.recipe)
    return {
        "ratio": found.ratio,
        "met": found.met,
        "fit_seconds": found.seconds,
        "line": str(found),
    }


def in_a_new_process(cache: str) -> tuple[float, dict]:
    """Wall-clock seconds of the whole process, evaluation included, and what it found."""
    environment = {**os.environ, "XDG_CACHE_HOME": cache}
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--ours"], env=environment, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    return time.perf_counter() - began, json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold start to fitted model.")
    parser.add_argument("--limit", type=float, default=900.0, help="seconds to give the peer")
    parser.add_argument("--ours", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.ours:
        print(json.dumps(ours()))
        return
    with tempfile.TemporaryDirectory() as cache:
        cold, found = in_a_new_process(cache)
        warm, again = in_a_new_process(cache)
    print(found["line"])
    print(f"accumbens, nothing cached: {cold:.1f} s (of which fitting {found['fit_seconds']:.1f})")
    print(f"accumbens, kernel cached:  {warm:.1f} s (of which fitting {again['fit_seconds']:.1f})")
    if not peer.installed():
        return
    from peer_two_stage import two_stages

    goal = found["ratio"] - LIKELIHOOD_TOLERANCE
    for stage, reached in two_stages(goal, MOST_ERROR, options.limit):
        met = "" if reached.met else " (given up: not as good as accumbens)"
        print(
            f"disentangled_rnns after {stage}: {reached.steps} steps, {reached.seconds:.0f} s, "
            f"{reached.seconds / cold:.1f} times as long{met}; likelihood ratio "
            f"{reached.ratio:.4f}, dopamine MSE {reached.mse:.5f}, latents with noise below 0.9: "
            f"{reached.n_open}",
            flush=True,
        )


if __name__ == "__main__":
    main()
