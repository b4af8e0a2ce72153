"""Power: what is counted, and that it grows with mice, sessions and structure."""

import dataclasses

import jax
import numpy as np
import pytest
from scipy import stats

from accumbens.credit.answers import two_answers
from accumbens.credit.config import PowerConfig
from accumbens.credit.power import _bank, _like_these, credit_power
from accumbens.credit.randomization import RandomizationTest, structure_test
from accumbens.credit.reversals.rules import CountedReversals
from accumbens.credit.schedule import schedule_of
from accumbens.errors import ConfigError, DataError
from accumbens.tasks.distractor import DistractorRewards
from accumbens.tasks.earned import EarnedReversals
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
        ({"misses": 1.0}, "misses is 1.0; it is a share of trials"),
        ({"session_bias": -1.0}, "session_bias is -1.0 and habit is 0.0; the first is an SD"),
        ({"experiments": 0}, "experiments is 0; it must be at least 1"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        PowerConfig(**options)


def test_habit_bias_and_misses_cost_power_and_both_answers_are_counted():
    """The bank is as asked: few choices a session, mice that repeat, sessions that lean; t is
    scipy's."""
    plain = dataclasses.replace(
        CONFIG, weight=(0.6,), mice=(1, 3), sessions=(2,), inverse_temperature=3.0
    )
    real = dataclasses.replace(plain, habit=1.5, session_bias=1.5, misses=0.2)
    task, key = DistractorRewards(), jax.random.key(0)
    bank = _bank(task, real, 0.6, 30, key)
    assert bank.choice.shape == (60, 120)
    repeated = np.diff(bank.choice, axis=1) == 0
    before = _bank(task, plain, 0.6, 30, key)
    assert repeated.mean() > (np.diff(before.choice, axis=1) == 0).mean() + 0.1
    leaning = bank.choice.mean(1)
    assert leaning.std() > 2 * before.choice.mean(1).std()
    assert np.abs(leaning[::2] - leaning[1::2]).mean() > 0.1  # sessions of one mouse differ
    assert list(bank.subject) == list(np.repeat(np.arange(30), 2))
    tables = [credit_power(task, c, key=key).set_index(["test", "mice"]) for c in (plain, real)]
    name = "controllable index > distractor index"
    assert tables[1].loc[(name, 3), "power"] < tables[0].loc[(name, 3), "power"] - 0.1
    assert np.isnan(tables[0].loc[(name, 1), "power_like_these"])
    part = _bank(task, plain, 0.6, 60, jax.random.fold_in(key, 0))
    found = structure_test(part, schedule_of(part), seed=0, n_lags=2, resamples=19)
    effect = (found.observed - found.null.mean(0)).reshape(20, 3)
    p = stats.ttest_1samp(effect, 0, axis=1, alternative="greater").pvalue
    assert tables[0].loc[(name, 3), "power_like_these"] == (p <= 0.05).mean()


def test_mice_with_nothing_to_redraw_say_nothing_of_mice_like_these():
    """As in the two answers of one experiment: left out, and no answer where one mouse is left."""
    rng, config = np.random.default_rng(0), dataclasses.replace(CONFIG, mice=(4,), experiments=3)
    observed, null = rng.normal(1, 1, 12), rng.normal(0, 1, (19, 12))
    null[:, [1, 4, 5, 6]] = observed[[1, 4, 5, 6]]  # one of the first, three of the second
    names = tuple(f"mouse_{i}" for i in range(12))
    p = _like_these(RandomizationTest("an index > 0", names, observed, null, 0), 4, config)
    for e in range(3):
        at = slice(4 * e, 4 * e + 4)
        alone = RandomizationTest("an index > 0", names[at], observed[at], null[:, at], 0)
        like = two_answers(alone).like_these
        assert np.isnan(p[e]) if like is None else p[e] == pytest.approx(like.p_greater)
    assert np.isnan(p).tolist() == [False, True, False]


def test_habits_are_drawn_as_every_parameter_is():
    task, config = DistractorRewards(), dataclasses.replace(CONFIG, habit=1.5, trials=400)
    spreads = [dataclasses.replace(config, spread=s) for s in (0.0, 1.0)]
    same, other = (_bank(task, c, 0.5, 40, jax.random.key(1)) for c in spreads)
    rates = [(np.diff(bank.choice.reshape(40, -1)) == 0).mean(1) for bank in (same, other)]
    assert rates[1].std() > 2 * rates[0].std()


def test_power_where_rewards_reverse_the_sides_redraws_by_the_rule():
    """Every session follows the rule, or the test would refuse it; another rule is refused."""
    task = DistractorRewards(EarnedReversals(0.9, 0.1, after=3, last=4))
    config = dataclasses.replace(CONFIG, weight=(0.8,), mice=(3,), sessions=(2,), experiments=8)
    key, rule = jax.random.key(0), CountedReversals(3, last=4)
    table = credit_power(task, config, key=key, reversals=rule).set_index("test")
    assert table.loc["controllable index > distractor index", "power"] >= 0.5
    with pytest.raises(DataError, match="does not follow the rule of reversals"):
        credit_power(task, config, key=key, reversals=CountedReversals(3, last=5))
