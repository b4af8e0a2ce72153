"""From a cold start to a fitted two-stage model of the synthetic set, against `disentangled_rnns`.

    python benchmarks/cold_start.py [--limit 900]

accumbens: seconds from starting a Python process with an empty kernel cache until the two-stage
disRNN is fitted, imports and compilation included; then again with the kernel in the cache. The
peer: its own training loop at the settings of its published two-stage notebook (7 latents, update
networks 4 x 16, choice network 2 x 2, Adam at 1e-3), on the same sessions and on choices alone,
until its held-out normalized likelihood is within 0.0005 of that of accumbens; imports and its
first compilation included, evaluation and further compilations left out. It is given up after
`limit` seconds. The second stage of the peer is not counted at all.
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

TOLERANCE = 0.0005
CHUNK = 500
"""Steps of the peer between evaluations."""


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


def theirs(target: float, limit: float) -> tuple[float, float, int]:
    """Seconds until the peer's held-out likelihood ratio is `target`, the ratio reached, steps."""
    began = time.perf_counter()
    import jax
    import numpy as np
    from disentangled_rnns.library import disrnn, rnn_utils

    imports = time.perf_counter() - began
    from accumbens.cli.demo import demo_agent, demo_trials
    from accumbens.stats.metrics import normalized_likelihood, pooled, predict, session_sums
    from accumbens.stats.splits import apply_split, every_nth

    trials = demo_trials(0)
    train, test = apply_split(every_nth(trials), trials)
    own = normalized_likelihood(pooled(session_sums(predict(demo_agent(), test), test)))[0]
    times: list[float] = []

    def network(noiseless: bool):
        return disrnn.HkDisentangledRNN(
            disrnn.DisRnnConfig(
                latent_size=7,
                update_net_n_layers=4,
                update_net_n_units_per_layer=16,
                choice_net_n_layers=2,
                choice_net_n_units_per_layer=2,
                latent_penalty=1e-3,
                choice_net_latent_penalty=1e-4,
                update_net_obs_penalty=1e-5,
                update_net_latent_penalty=2e-3,
                noiseless_mode=noiseless,
                x_names=["choice", "reward"],
                y_names=["next choice"],
            )
        )

    dataset = peer.timed_dataset(train, times)
    xs, ys = peer.inputs(test)
    params = state = None
    seconds, ratio, steps = imports, 0.0, 0
    while seconds < limit and ratio < target - TOLERANCE:
        times.clear()
        started = time.perf_counter()
        params, state, _ = rnn_utils.train_network(
            lambda: network(False), dataset, None, params=params, opt_state=state, n_steps=CHUNK,
            loss="penalized_categorical", loss_param=1.0, random_key=jax.random.PRNGKey(steps),
            log_losses_every=10**6, report_progress_by="none",
        )  # fmt: skip
        per_step = (times[-1] - times[-CHUNK // 2]) / (CHUNK // 2 - 1)
        seconds += time.perf_counter() - started if steps == 0 else per_step * CHUNK
        steps += CHUNK
        out = rnn_utils.eval_network(lambda: network(True), params, xs, return_states=False)
        logits = np.asarray(out)[..., :2]
        log_p = logits - np.logaddexp(logits[..., :1], logits[..., 1:])
        ratio = float(np.exp(np.take_along_axis(log_p, ys, -1).mean()) / own)
        print(f"  peer: {steps} steps, {seconds:.0f} s, ratio {ratio:.4f}", flush=True)
    return seconds, ratio, steps


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
    seconds, ratio, steps = theirs(found["ratio"], options.limit)
    if ratio < found["ratio"] - TOLERANCE:
        print(
            f"disentangled_rnns: ratio {ratio:.4f} after {steps} steps and {seconds:.0f} s, not "
            f"yet the {found['ratio']:.4f} of accumbens: more than {seconds / cold:.0f} times "
            "slower."
        )
    else:
        print(
            f"disentangled_rnns: ratio {ratio:.4f} after {steps} steps and {seconds:.0f} s: "
            f"{seconds / cold:.0f} times slower."
        )


if __name__ == "__main__":
    main()
