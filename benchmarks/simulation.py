"""Simulated trials per second: accumbens against the published `disentangled_rnns` package.

    python benchmarks/simulation.py [--sessions 20000 --trials 500]

Both simulate Q-learning (learning rate 0.3, inverse temperature 3) in a drifting two-armed bandit
(SD 0.1), in one process and in turns, so that both meet the machine in the same state. The peer is
a Python loop over trials, so it simulates fewer sessions and its time is scaled per trial. Where
`disentangled_rnns` cannot be imported, only accumbens is measured; an installation elsewhere can be
lent to this one by PYTHONPATH=<its site-packages>.

accumbens' time is that of `simulate` as a user calls it, from the key to the checked `Trials`;
compilation, once per shape, is reported apart.
"""

import argparse
import os
import statistics
import time

import jax

from accumbens.models.q_learning import QLearning
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit

try:
    from disentangled_rnns.library.get_datasets import get_q_learning_dataset
except ImportError:
    get_q_learning_dataset = None


def seconds(call) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description="Simulated trials per second, as a ratio.")
    parser.add_argument("--sessions", type=int, default=20_000)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--peer-sessions", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    n_trials = options.sessions * options.trials

    def ours(seed: int):
        return simulate(
            QLearning(0.3, 3.0),
            DriftingBandit(0.1),
            n_sessions=options.sessions,
            n_trials=options.trials,
            key=jax.random.key(seed),
        )

    def peer():
        return get_q_learning_dataset(
            alpha=0.3,
            beta=3.0,
            sigma=0.1,
            n_trials=options.trials,
            n_sessions=options.peer_sessions,
        )

    print(f"{options.sessions:,} sessions x {options.trials} trials, {os.cpu_count()} CPU cores")
    first = seconds(lambda: ours(0))
    our_times, peer_times = [], []
    for repeat in range(options.repeats):
        our_times.append(seconds(lambda repeat=repeat: ours(repeat + 1)) / n_trials)
        if get_q_learning_dataset is not None:
            peer_times.append(seconds(peer) / (options.peer_sessions * options.trials))
    report("accumbens", our_times)
    print(f"{'':20} first call, compilation included: {first:.2f} s")
    if get_q_learning_dataset is None:
        print("disentangled_rnns is not installed here: nothing to compare with")
        return
    report("disentangled_rnns", peer_times)
    fastest = min(peer_times) / min(our_times)
    middle = statistics.median(peer_times) / statistics.median(our_times)
    print(f"{'ratio':20} {fastest:,.0f} (fastest runs), {middle:,.0f} (median runs)")


def report(name: str, per_trial: list[float]) -> None:
    fastest, middle = min(per_trial), statistics.median(per_trial)
    print(
        f"{name:20} {1 / fastest:14,.0f} trials/s at best ({fastest * 1e9:,.1f} ns a trial), "
        f"{1 / middle:,.0f} in the median"
    )


if __name__ == "__main__":
    main()
