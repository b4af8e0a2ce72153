"""Power: what is counted, and that it grows with mice, sessions and structure."""

import jax
import pytest

from accumbens.credit.config import PowerConfig
from accumbens.credit.power import credit_power
from accumbens.errors import ConfigError
from accumbens.tasks.distractor import DistractorRewards
from helpers.progress import Recorded

CONFIG = PowerConfig(
    weight=(0.0, 0.8), mice=(1, 4), sessions=(1, 3), trials=150, lags=2, experiments=20,
    inverse_temperature=5.0, resamples=19,
)  # fmt: skip


def test_power_grows_with_mice_sessions_and_structure():
    recorded = Recorded()
    table = credit_power(DistractorRewards(), CONFIG, key=jax.random.key(0), progress=recorded)
    assert len(table) == 2 * 2 * 2 * 2
    assert {report.label for report in recorded.seen} == {"redrawn experiments"}
    counts = [report.done for report in recorded.seen]
    assert counts == sorted(counts)
    assert counts[-1] == recorded.seen[-1].total == 2 * 2 * 2 * 80 * 19
    structure = table[table["test"] == "controllable index > distractor index"]
    power = structure.set_index(["weight", "mice", "sessions"])["power"]
    assert power[0.8, 4, 3] > power[0.8, 1, 1] + 0.2
    assert power[0.8, 4, 3] >= 0.9
    # Without structure there is nothing to find: 5 %, of 20 experiments at most 4 but 3 times in
    # 1,000.
    assert power[0.0, 4, 3] <= 0.2
    assert ((table["low"] <= table["power"]) & (table["power"] <= table["high"])).all()
    distractor = table[table["test"] == "distractor index > 0"]
    alone = distractor.set_index(["weight", "mice", "sessions"])["power"]
    assert alone[0.0, 4, 3] == 1.0
    assert alone[0.8, 1, 1] < alone[0.0, 1, 1] - 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weight": (1.2,)}, "weight is .*; give one or more weights between 0 and 1"),
        ({"mice": ()}, "mice is .*; give one or more numbers from 1 up"),
        ({"alpha": 0.0}, "alpha is 0.0; it must lie between 0 and 1"),
        (
            {"resamples": 9},
            "resamples is 9, with which no p-value can reach alpha = 0.05. Use at least 19",
        ),
        ({"experiments": 0}, "experiments is 0; it must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        PowerConfig(**options)
