"""The card: planted networks in run folders, from the command to the page."""

import jax
import pytest

from accumbens.cli import main
from accumbens.errors import ConfigError, DataError
from accumbens.io.tables.trials import to_table, write_table
from accumbens.models.q_learning import QLearning
from accumbens.report.card import as_markdown, card_blocks, write_card
from accumbens.run import CardConfig, load_result, run_card
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from helpers.planted_networks import habit, planted, value_of
from helpers.planted_runs import planted_run

QUICK = ["--no-equations", "--resamples", "50", "--agents", "q_learning"]
VALUES = [value_of(0), value_of(1)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("cards")


@pytest.fixture(scope="module")
def fitted(folder):
    """A finished fit of Q-learning's choices, to which networks are added."""
    agent = QLearning(0.3, 4.0)
    trials = simulate(agent, DriftingBandit(), n_sessions=12, n_trials=80, key=jax.random.key(0))
    write_table(to_table(trials), folder / "choices.csv")
    main(["fit", str(folder / "choices.csv"), "--models", "bias", "--resamples", "9",
          "--no-figures", "--out", str(folder / "fit")])  # fmt: skip
    return folder / "fit"


@pytest.fixture(scope="module")
def runs(fitted, folder):
    made = {
        "plain": planted(VALUES), "turned": planted(VALUES, order=[1, 0], signs=[-1, 1]),
        "scaled": planted(VALUES, scales=[0.5, 1.5]), "with habit": planted([*VALUES, habit()]),
    }  # fmt: skip
    return [planted_run(fitted, folder / name, network) for name, network in made.items()]


@pytest.fixture(scope="module")
def card(runs, folder):
    main(["card", *map(str, runs), *QUICK, "--out", str(folder / "card")])
    return folder / "card"


def test_a_card_says_what_was_found_how_often_and_what_it_is(card):
    found = load_result(card)
    consensus = found.metrics["consensus"]
    assert [m["found"] for m in consensus["mechanisms"]] == [3, 1]
    assert (
        "The most frequent one, with 2 latents, was found 3 of 4 times." in (consensus["sentence"])
    )
    said = " ".join(one["sentence"] for one in found.metrics["names"]["1"])
    for side in (0, 1):
        assert f"is the value of {side} (Q-learning)" in said or (
            f"is the value of choice {side} (Q-learning)" in said
        )
    assert found.metrics["copies"] == ""
    fits = found.table("fits")
    assert fits["mechanism"].tolist() == [1, 1, 1, 2]
    assert fits["representative"].sum() == 2
    assert set(found.tables) == {"mechanisms", "latents", "names", "fits"}


def test_both_pages_say_it(card):
    sentence = load_result(card).metrics["consensus"]["sentence"]
    for name in ("card.md", "card.html"):
        text = (card / name).read_text()
        assert sentence in text
        for head in ("What the latents are called", "What the data cannot tell",
                     "Alternatives that predict as well"):  # fmt: skip
            assert head in text
        assert "4 fits are too few to say" in text
    assert "data:image/png;base64," in (card / "card.html").read_text()
    assert "<script" not in (card / "card.html").read_text()
    assert "![Mechanisms as diagrams](figures/mechanism_diagrams.png)" in (
        (card / "card.md").read_text()
    )


def test_cognitive_models_that_predict_as_well_are_named(card):
    metrics = load_result(card).metrics
    above = metrics["cognitive_models"]["Q-learning"]
    assert (above["high"] >= 0) == any("Q-learning" in line for line in metrics["alternatives"])


def test_a_copy_is_called_a_copy(fitted, folder):
    copies = [
        planted_run(fitted, folder / f"copy {i}", planted(VALUES), share=1.0, guide="q_learning")
        for i in range(2)
    ]
    config = CardConfig(equations=False, agents=("q_learning",), figures=False)
    said = run_card(copies, config, folder / "copies").metrics["copies"]
    assert said.startswith("2 of the 2 fits were trained to copy a cognitive model (q_learning).")
    assert "is then no discovery: they were taught" in said
    text = write_card(folder / "copies")[0].read_text()
    assert "trained to copy a cognitive model" in text
    assert "figures/" not in text  # none were drawn


def test_closed_networks_are_nothing_found(fitted, folder):
    closed = planted_run(fitted, folder / "closed", planted([], bias=0.1))
    found = run_card([closed], CardConfig(figures=False), folder / "nothing")
    assert found.metrics["consensus"]["nothing_found"]
    text = write_card(folder / "nothing")[0].read_text()
    assert "Nothing found: 1 of 1 fit has no latent in use" in text
    assert "there is nothing to name" in text
    assert "## Equations" not in text


def test_names_of_users_mark_nothing_up(card):
    found = load_result(card)
    blocks = card_blocks(found.metrics | {"warnings": ["<b>a*b*</b>"]}, found.about)
    assert "\\<b\\>a\\*b\\*\\</b\\>" in as_markdown("t", blocks)


def test_messages(fitted, runs, card, folder):
    config = CardConfig(equations=False)
    with pytest.raises(ConfigError, match=r"Name a sweep, or runs: accumbens card SWEEP"):
        run_card([], config, folder / "x")
    with pytest.raises(ConfigError, match=r"A folder is named twice\. Name each once"):
        run_card([runs[0], runs[0]], config, folder / "x")
    with pytest.raises(DataError, match="No finished fit with a disRNN is there"):
        run_card([fitted], config, folder / "x")
    with pytest.raises(DataError, match=r"of the kind card\. Name folders of accumbens sweep or"):
        run_card([card], config, folder / "x")
    with pytest.raises(ConfigError, match="already holds a run"):
        run_card(runs, config, card)
    with pytest.raises(DataError, match="holds a result of the kind fit, and no card"):
        write_card(fitted)
    other = planted_run(fitted, folder / "other", planted(VALUES))
    text = (other / "config.toml").read_text()
    (other / "config.toml").write_text(text.replace("choices.csv", "others.csv"))
    with pytest.raises(DataError, match="The run other was fitted to another table than the first"):
        run_card([runs[0], other], config, folder / "x")
    with pytest.raises(ConfigError, match="repeats is 0; it must be at least 1"):
        CardConfig(repeats=0)
    with pytest.raises(ConfigError, match="recoveries is -1; it cannot be negative"):
        CardConfig(recoveries=-1)


def test_equations_and_their_checks_are_on_the_card(runs, folder):
    """Of a planted value: learning rate 0.3, whichever way the network's latent points."""
    config = CardConfig(agents=("bias",), figures=False, repeats=2, recoveries=0)
    found = run_card(runs[:2], config, folder / "equations")
    rates = found.table("parameters").query("parameter == 'learning rate'")["value"]
    assert len(rates) >= 2
    assert all(abs(rate - 0.3) < 0.01 for rate in rates)
    text = write_card(folder / "equations")[0].read_text()
    equations = found.metrics["equations"]
    assert equations["explains"]
    assert equations["kept"] > 0.995
    assert equations["verdict"] in text
    assert f"```text\n{equations['text']}\n```" in text
    assert "The equations explain the network: they keep" in text


def test_a_changed_table_is_refused(runs, folder):
    table = folder / "choices.csv"
    whole = table.read_text()
    try:
        table.write_text("\n".join(whole.split("\n")[:-20]) + "\n")
        with pytest.raises(DataError, match="has changed since the run in"):
            run_card(runs[:1], CardConfig(equations=False), folder / "changed")
    finally:
        table.write_text(whole)
