"""Power from a pilot: agents with the pilot's habit, bias and misses are found and drawn."""

import dataclasses

import jax
import numpy as np
import pandas as pd
import pytest

from accumbens.cli import main
from accumbens.credit.config import PowerConfig
from accumbens.credit.pilot import Pilot
from accumbens.credit.power import _bank, credit_power
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.format import TableFormat
from accumbens.io.tables.trials import from_table, to_table, write_table
from accumbens.run.credit.config import PilotFormat
from accumbens.run.credit.pilot import fitted_pilot, read_pilot
from accumbens.tasks.distractor import DistractorRewards

TRUE = Pilot(
    {"learning_rate": 0.4, "inverse_temperature": 3.0, "structure_weight": 0.7, "side_bias": 0.3,
     "perseveration": 1.0},
    {"learning_rate": 0.2, "inverse_temperature": 0.2, "structure_weight": 0.2, "side_bias": 0.4,
     "perseveration": 0.3},
    session_bias=0.8, misses=0.2, animals=6, sessions=24,
)  # fmt: skip
FORMAT = TableFormat(outcome=("controllable", "distractor"))
CONFIG = PowerConfig(mice=(2,), sessions=(2,), trials=120, lags=2, experiments=4, resamples=19)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six mice, four sessions of 300 choices each, and a fifth of the trials missed."""
    config = dataclasses.replace(
        CONFIG, sessions=(4,), trials=375, misses=0.2, session_bias=TRUE.session_bias
    )
    trials = _bank(DistractorRewards(), config, 0.7, TRUE.animals, jax.random.key(0), TRUE)
    frame = to_table(trials)[
        ["subject", "session", "trial", "choice", "controllable", "distractor"]
    ]
    missed = frame.iloc[::4].assign(choice=np.nan, controllable=0, distractor=0)
    frame = pd.concat([frame.assign(trial=2 * frame["trial"]),
                       missed.assign(trial=2 * missed["trial"] + 1)])  # fmt: skip
    frame = frame.sort_values(["subject", "session", "trial"])
    path = tmp_path_factory.mktemp("tables") / "pilot.csv"
    write_table(frame, path)
    return path


@pytest.fixture(scope="module")
def pilot(table):
    return read_pilot(table, PilotFormat(), key=jax.random.key(1))


def test_a_pilot_is_found_as_it_was_made(pilot):
    """Medians of six animals within three of their standard errors; the spread of the bias over
    six animals and the SD over 24 sessions within about three of theirs (1 / sqrt(2 n))."""
    assert (pilot.animals, pilot.sessions) == (6, 24)
    assert pilot.misses == pytest.approx(0.2)
    for name, low, high in (
        ("perseveration", 0.5, 1.5), ("structure_weight", 0.5, 0.9), ("learning_rate", 0.25, 0.6),
        ("inverse_temperature", 2.0, 4.5), ("side_bias", -0.6, 1.2),
    ):  # fmt: skip
        assert low < pilot.medians[name] < high, name
    assert 0.4 < pilot.session_bias < 1.3
    habit = f"perseveration {pilot.medians['perseveration']:.2f} (spread "
    assert habit in pilot.in_words
    assert "20% misses" in pilot.in_words


def test_sessions_that_do_not_differ_have_no_bias_between_them(table):
    trials = from_table(table, FORMAT)
    one = trials.select_sessions(np.flatnonzero(trials.subject == 0)[:1])
    found = fitted_pilot(one, key=jax.random.key(0))
    assert (found.animals, found.sessions, found.session_bias) == (1, 1, 0.0)
    assert found.spreads is None
    assert "spread" not in found.in_words


def test_mice_are_drawn_like_those_of_the_pilot():
    """Repeating, bias between mice and between sessions; without the pilot's none of it."""
    task, key = DistractorRewards(), jax.random.key(2)
    config = dataclasses.replace(CONFIG, session_bias=TRUE.session_bias, misses=TRUE.misses)
    like = _bank(task, config, 0.7, 40, key, TRUE)
    plain = _bank(task, CONFIG, 0.7, 40, key)
    assert like.choice.shape == (80, 96)
    assert plain.choice.shape == (80, 120)
    assert (np.diff(like.choice) == 0).mean() > (np.diff(plain.choice) == 0).mean() + 0.08
    assert like.choice.mean() > plain.choice.mean() + 0.02
    apart = [np.abs(np.diff(t.choice.mean(1)[0::1].reshape(-1, 2))).mean() for t in (like, plain)]
    assert apart[0] > 1.5 * apart[1]


def test_a_bias_of_sessions_brings_no_habit():
    """Repeating the choice is as often as without it, but for the lean of the sessions."""
    task, key = DistractorRewards(), jax.random.key(3)
    config = dataclasses.replace(CONFIG, session_bias=1e-6, spread=2.0)
    none = dataclasses.replace(config, session_bias=0.0)
    with_bias, without = (_bank(task, c, 0.5, 60, key) for c in (config, none))
    rates = [np.diff(t.choice.reshape(60, -1)) == 0 for t in (with_bias, without)]
    spread = [rate.mean(1).std() for rate in rates]
    assert spread[0] == pytest.approx(spread[1], rel=0.15)


def test_the_command_says_what_the_pilot_is(table, tmp_path, capsys):
    main(["power", "--from", str(table), "--mice", "2", "--sessions", "1", "--trials", "60",
          "--lags", "2", "--experiments", "2", "--resamples", "19",
          "--out", str(tmp_path / "power")])  # fmt: skip
    said = " ".join(capsys.readouterr().out.split())
    assert "Pilot of 6 animals and 24 sessions: learning rate" in said
    assert set(pd.read_csv(tmp_path / "power" / "power.csv")["mice"]) == {2}


def test_what_the_pilot_says_is_not_said_twice(pilot):
    config = dataclasses.replace(CONFIG, habit=1.0, spread=0.5)
    with pytest.raises(ConfigError, match="habit, spread: the pilot says this of its animals"):
        credit_power(DistractorRewards(), config, key=jax.random.key(0), pilot=pilot)


def test_pilots_that_are_none_are_refused(table):
    same = PilotFormat(controllable="distractor")
    with pytest.raises(ConfigError, match=r"pilot.controllable and pilot.distractor are both dist"):
        read_pilot(table, same, key=jax.random.key(0))
    trials = from_table(table, TableFormat(outcome=("controllable",)))
    with pytest.raises(DataError, match="A pilot has two choices, and a controllable and a distr"):
        fitted_pilot(trials, key=jax.random.key(0))


def test_animals_that_never_change_side_are_named_and_left_out(table, pilot):
    """The mice of the others alone; a pilot of none but such animals is refused."""
    trials = from_table(table, FORMAT)
    one = trials.subject == 0
    sided = np.where(one[:, None] & (trials.choice >= 0), 1, trials.choice).astype(
        trials.choice.dtype
    )
    found = fitted_pilot(dataclasses.replace(trials, choice=sided), key=jax.random.key(0))
    assert found.animals == 5
    (note,) = found.notes
    name, side = trials.names.subjects[0], trials.names.choices[1]
    n = int((one[:, None] & trials.scored).sum())
    assert note == (
        f"{name}: left out, as nothing of how it learns can be told, because all its {n:,} free "
        f"choices are {side!r}."
    )
    assert pilot.notes == ()
    assert abs(found.medians["side_bias"] - pilot.medians["side_bias"]) < 0.6
    whole = np.where(trials.choice >= 0, 1, trials.choice).astype(trials.choice.dtype)
    with pytest.raises(DataError, match="The pilot has no animal like which mice could be drawn"):
        fitted_pilot(dataclasses.replace(trials, choice=whole), key=jax.random.key(0))
