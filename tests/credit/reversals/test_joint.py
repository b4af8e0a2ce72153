"""Labels and reversals drawn together: their exact joint distribution, by enumeration."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy import stats

from accumbens.credit.history.design import history_data
from accumbens.credit.history.refit import Redraw
from accumbens.credit.redrawing import redraw_labels
from accumbens.credit.reversals import joint, machine
from accumbens.credit.reversals.joint import KnownRule, joint_draws
from accumbens.credit.reversals.machine import CountedMachine, TableMachine
from accumbens.credit.reversals.rules import CountedReversals, reversals_from_text
from accumbens.credit.schedule import Schedule
from accumbens.errors import ConfigError, DataError
from accumbens.trials import TrialNames, trials_from_arrays

HIGH, LOW, DISTRACTOR = 0.7, 0.2, 0.4
NAMES = ("controllable", "distractor")
CHOICE = (0, 0, 1, 0, 1, 1, 0)
DRAWS = 6000


@dataclasses.dataclass(frozen=True)
class Alternating:
    """A rule of one's own: the sides reverse with 0.5 after a reward of either kind on the worse
    side, and surely after three trials."""

    start: tuple = (0,)

    def step(self, state, better, outcome):
        trials = state[0] + 1
        return (trials,), 1.0 if trials == 3 else 0.5 * (not better and sum(outcome) > 0)


def session(rule, rng, baited):
    """One session as the rule makes it: outcomes, sides, and how many rewards came."""
    side, state, came, sides = 0, rule.start, [], []
    armed = [False, False]
    for c in CHOICE:
        for s in (0, 1):
            armed[s] = bool(rng.random() < (HIGH if s == side else LOW)) or (baited and armed[s])
        outcome = (int(armed[c]), int(rng.random() < DISTRACTOR))
        armed[c] = False
        came.append(outcome)
        sides.append(side)
        state, p = rule.step(state, c == side, outcome)
        if rng.random() < p:
            side, state = 1 - side, rule.start
    return np.array(came), np.array(sides)


def enumerated(rule, held, baited):
    """P(outcomes | held) of every series of outcomes: a tree over arms, distractors and reversals,
    in plain Python; no conditional probability is used but that of what was held."""
    found = {}

    def go(t, side, state, armed, so_far, p):
        if t == len(CHOICE):
            found[so_far] = found.get(so_far, 0.0) + p
            return
        c = CHOICE[t]
        other = 1 - c
        drawn = (0, 1) if baited else (c,)  # what the other arm would have had matters if it waits
        for arms, d in itertools.product(itertools.product((0, 1), repeat=len(drawn)), (0, 1)):
            q, new = p * (DISTRACTOR if d else 1 - DISTRACTOR), [False, False]
            for s, arm in zip(drawn, arms, strict=True):
                new[s] = bool(arm)
                chance = HIGH if s == side else LOW
                q *= chance if new[s] else 1 - chance
            now = [new[s] or (baited and armed[s]) for s in (0, 1)]
            outcome = (int(now[c]), d)
            if not held(t, outcome):
                continue
            waits = [False, False]
            waits[other] = now[other]
            after, r = rule.step(state, c == side, outcome)
            more = (*so_far, outcome)
            if r < 1:
                go(t + 1, side, after, tuple(waits), more, q * (1 - r))
            if r > 0:
                go(t + 1, 1 - side, rule.start, tuple(waits), more, q * r)

    go(0, 0, rule.start, (False, False), (), 1.0)
    total = sum(found.values())
    return {outcomes: p / total for outcomes, p in found.items()}


def as_trials(came, sides):
    p = np.where(np.arange(2) == sides[:, None], HIGH, LOW)
    both = np.stack([p, np.full(p.shape, DISTRACTOR)], axis=1)
    trials = trials_from_arrays(
        np.array([CHOICE]), came[None].astype(float), names=TrialNames(outcomes=NAMES)
    )
    return trials, Schedule(both[None], NAMES)


def of_structure(data, trials, schedule):
    return redraw_labels(data, schedule.after(trials.choice), 0, 1)


def of_distractor(data, trials, schedule):
    return Redraw(data.type | 2, data.type & ~2, np.full(len(data.type), DISTRACTOR))


RULES = [
    (CountedReversals(2, last=3), False),
    (CountedReversals(2, last=3), True),
    (CountedReversals(2), False),
    (CountedReversals(2, of="rewards", last=2, probability=0.6, name="rewards"), False),
    (CountedReversals(1, of=1, at_least=2, name="distractor"), True),
    (CountedReversals(1, of="correct", last=2, name="correct"), False),
    (Alternating(), False),
]


@pytest.mark.parametrize(("rule", "baited"), RULES)
@pytest.mark.parametrize("draws", ["filtered", "replayed"])
@pytest.mark.parametrize("test", ["structure", "distractor"])
def test_draws_have_the_exact_conditional_distribution(rule, baited, draws, test, monkeypatch):
    """Chi-square of 6,000 draws against enumeration; a fixed key, so p > 0.001 is not by luck of
    the day. Replays are given a set so large that their weights are as good as exact."""
    came, sides = session(rule, np.random.default_rng(3), baited)
    trials, schedule = as_trials(came, sides)
    if draws == "replayed":
        monkeypatch.setattr(joint, "session_sampler", lambda machine, held: None)
        monkeypatch.setattr(joint, "REPLAYS", 200_000)
    data = history_data(trials, 1)
    redraw = of_structure if test == "structure" else of_distractor
    known = KnownRule.of(trials, schedule, rule, baited=baited)
    found = joint_draws(
        trials, known, data, redraw(data, trials, schedule), np.arange(DRAWS), seed=5
    )
    held = {
        "structure": lambda t, outcome: sum(outcome) == came[t].sum(),
        "distractor": lambda t, outcome: outcome[0] == came[t, 0],
    }[test]
    expected = enumerated(rule, held, baited)
    at = data.trial >= 0
    drawn = [tuple((int(k) & 1, int(k) >> 1) for k in row) for row in found.types[:, at]]
    assert set(drawn) <= set(expected)
    counts = dict.fromkeys(expected, 0)
    for outcomes in drawn:
        counts[outcomes] += 1
    n, p = np.array(list(counts.values())), np.array(list(expected.values()))
    order = np.argsort(p)  # classes with fewer than five expected draws are put together
    group = np.cumsum(p[order] * DRAWS) // 5
    _, place = np.unique(group, return_inverse=True)
    n, p = np.bincount(place, n[order]), np.bincount(place, p[order])
    assert len(n) > 3
    assert stats.chisquare(n, DRAWS * p).pvalue > 1e-3
    varies = [len({outcomes[t] for outcomes in expected}) > 1 for t in range(len(CHOICE))]
    assert found.open == sum(varies)
    assert len(found.effective) == (draws == "replayed")
    if draws == "replayed":
        assert 20 < found.effective[0] <= 200_001.1  # the observed session is one of them


def test_labels_redrawn_by_themselves_have_another_distribution():
    """What the simple structure test draws: far from the exact one where rewards reverse the sides,
    and the exact one where nothing follows from which reward came."""

    def furthest(rule):
        came, sides = session(rule, np.random.default_rng(3), False)
        trials, schedule = as_trials(came, sides)
        exact = enumerated(rule, lambda t, outcome: sum(outcome) == came[t].sum(), False)
        redraw = of_structure(history_data(trials, 1), trials, schedule)
        p = redraw.probability[history_data(trials, 1).trial >= 0]
        single = np.flatnonzero(came.sum(1) == 1)
        assert len(single) > 2
        truth = [sum(q for of, q in exact.items() if of[t][0]) for t in single]
        return np.abs(p[single] - truth).max()

    assert furthest(CountedReversals(2, last=3)) > 0.2
    assert furthest(CountedReversals(99)) < 1e-12


def test_a_session_that_does_not_follow_the_rule_is_an_error():
    rule = CountedReversals(2, last=3)
    came, sides = session(rule, np.random.default_rng(3), False)
    first = int(np.flatnonzero(np.diff(sides))[0]) + 1

    def drawn(sides, probability=None):
        trials, schedule = as_trials(came, sides)
        if probability is not None:
            schedule = Schedule(probability(schedule.probability), NAMES)
        data = history_data(trials, 1)
        known = KnownRule.of(trials, schedule, rule)
        return joint_draws(
            trials, known, data, of_structure(data, trials, schedule), np.arange(2), seed=0
        )

    late = sides.copy()
    late[first] = sides[0]
    text = (
        r"does not follow the rule of reversals \(after 2 controllable of the last 3\): in session "
        rf"\S+ it does not change before trial {first}, {first} trials with a choice"
    )
    with pytest.raises(DataError, match=text):
        drawn(late)
    early = sides.copy()
    early[first - 1] = sides[first]
    with pytest.raises(DataError, match=rf"it changes before trial {first - 1}.*the rule keeps it"):
        drawn(early)
    with pytest.raises(DataError, match=r"trial 0, both choices have the same probability of con"):
        drawn(sides, lambda p: np.full(p.shape, 0.5))
    drifting = np.linspace(0.9, 1.0, len(CHOICE))[:, None, None]
    with pytest.raises(DataError, match=r"trial 1, the two choices have other probabilities than"):
        drawn(sides, lambda p: p * drifting)
    drawn(sides)


@dataclasses.dataclass(frozen=True)
class Wrong:
    answer: object
    start: int = 0

    def step(self, state, better, outcome):
        return self.answer


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (0.5, "gives 0.5 after 0; it must give the next state"),
        (
            ([], 0.5),
            r"gives \(\[\], 0.5\) after 0; it must give the next state, which can be a",
        ),
        ((0, 1.5), "gives the probability 1.5 after 0; it must lie between 0 and 1"),
    ],
)
def test_rules_of_ones_own_are_checked(answer, message):
    came, sides = session(CountedReversals(9), np.random.default_rng(3), False)
    trials, schedule = as_trials(came, sides)
    data = history_data(trials, 1)
    known = KnownRule.of(trials, schedule, Wrong(answer))
    with pytest.raises(ConfigError, match=message):
        joint_draws(trials, known, data, of_structure(data, trials, schedule), np.arange(2), seed=0)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("after 10 controllable of the last 15", CountedReversals(10, 0, 15)),
        ("after 4 tone of the last 6 trials", CountedReversals(4, 1, 6, name="tone")),
        ("after  3 rewards", CountedReversals(3, "rewards", name="rewards")),
        (
            "after 8 correct of the last 10, at least 20 trials, with probability 0.1",
            CountedReversals(8, "correct", 10, 20, 0.1, "correct"),
        ),
    ],
)
def test_rules_are_read_from_words_and_said_in_them(text, rule):
    outcomes = ("juice", "tone")
    assert reversals_from_text(text, outcomes) == rule
    assert reversals_from_text(str(rule), outcomes) == rule


def test_an_outcome_may_be_called_reward():
    assert reversals_from_text("after 2 reward", ("reward", "tone")).of == 0
    assert reversals_from_text("after 2 reward", ("juice", "tone")).of == "rewards"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10 of 15", r"reversals is '10 of 15', which is no rule. Write it like \"after 10 contr"),
        ("after 3 licks", "counts 'licks', which is not one of: controllable, distractor, juice"),
        ("after 16 juice of the last 15", "wants 16 juice of the last 15 trials, which is never"),
        ("after 0 juice", "after is 0; count at least 1"),
        ("after 1 juice of the last 80", "last is 80; look at 1 to 62 trials"),
        ("after 1 juice, with probability 0", "at_least is 0 and probability is 0.0; the first"),
        ("after 1 juice, with probability 1.2.3", "'1.2.3' is no number"),
    ],
)
def test_words_that_are_no_rule_are_refused(text, message):
    with pytest.raises(ConfigError, match=message):
        reversals_from_text(text, ("juice", "tone"))


def test_a_machine_forgets_states_that_became_too_many(monkeypatch):
    """From one session to the next; what it answers is the same with and without what it knew."""
    rule = Alternating()
    kept = TableMachine(rule, 2)
    better = np.array([False, True])
    numbers, chances = kept.step(np.zeros(2, np.int64), better, 3)
    assert kept.for_session() is kept
    monkeypatch.setattr(machine, "MOST_KEPT", 1)
    fresh = kept.for_session()
    assert fresh is not kept
    again = fresh.step(np.zeros(2, np.int64), better, 3)
    assert list(chances) == list(again[1]) == [0.5, 0.0]
    assert [kept.states[n] for n in numbers] == [fresh.states[n] for n in again[0]]
    counted = CountedMachine(CountedReversals(2, last=3))
    assert counted.for_session() is counted
