"""Each sentence of a verdict, on predictions whose merit is known; and alarms for bad models."""

import dataclasses
import json
import math

import numpy as np

from accumbens.scoring.comparison import compare
from accumbens.scoring.metrics import Predictions
from accumbens.scoring.verdict import Contest, judge, strongest
from accumbens.trials import TrialNames, trials_from_arrays

N_SESSIONS, N_TRIALS = 10, 60
LABELS = {"net": "disRNN", "q": "Q-learning", "dfq": "DFQ"}


def made(n_sessions=N_SESSIONS):
    """Choices that the model of merit 1 predicts with log-odds of 1; a signal with noise of 0.5."""
    rng = np.random.default_rng(0)
    shape = (n_sessions, N_TRIALS)
    favoured = rng.integers(0, 2, shape)
    odds = rng.random(shape) < 1 / (1 + math.exp(-1.0))
    choice = np.where(odds, favoured, 1 - favoured)
    outcome = rng.integers(0, 2, (*shape, 1)).astype(float)
    signal = outcome + 0.5 * rng.normal(size=outcome.shape)
    names = TrialNames(signals=("signal_0",), subjects=("a", "b")[:n_sessions])
    subject = np.arange(n_sessions) % 2
    trials = trials_from_arrays(choice, outcome, signal=signal, subject=subject, names=names)
    return trials, favoured, outcome


def said(favoured, outcome, merit, gain=0.0):
    """merit: log-odds of the favoured choice. gain: signal = 0.5 + gain (outcome - 0.5)."""
    logits = merit * (np.arange(2) == favoured[..., None])
    return Predictions(logits, 0.5 + gain * (outcome - 0.5))


def judged(merits, *, n_sessions=N_SESSIONS, held_out=True, unit="session", **roles):
    """The judgement on models of (merit, gain), with a model without memory beside them."""
    trials, favoured, outcome = made(n_sessions)
    models = {name: said(favoured, outcome, *merit) for name, merit in merits.items()}
    models["base"] = said(favoured, outcome, 0.0)

    def against(reference):
        found = compare(
            models, trials, rng=np.random.default_rng(1), reference=reference, n_draws=400,
            unit=unit,
        )  # fmt: skip
        return dataclasses.replace(found, held_out=held_out)

    opponents = tuple(name for name in merits if name != "net")
    given = {
        "cognitive": tuple(name for name in opponents if name != "naive"),
        "signal_models": opponents,
        "choosers": tuple(name for name in merits if name != "naive"),
        "by_outcome": "naive" if "naive" in merits else None,
    } | roles
    contest = Contest(model="net" if "net" in merits else None, baseline="base", **given)
    return judge(against, contest, lambda name: LABELS.get(name, name)), against


def test_better_says_by_how_much_over_what():
    judgement, against = judged({"net": (1.0, 1.0), "q": (0.3, 0.5)})
    choice, signal = judgement.verdicts
    assert (choice.outcome, choice.model, choice.opponent) == ("better", "net", "q")
    found = against("q").differences["net"]
    assert choice.difference == found.normalized_likelihood
    assert choice.nats == found.log_likelihood
    models = against("q").models
    value, theirs, bias = (models[n].normalized_likelihood.value for n in ("net", "q", "base"))
    assert (choice.value, choice.opponent_value, choice.baseline_value) == (value, theirs, bias)
    d, nats = choice.difference, choice.nats
    assert choice.sentence == (
        "On held-out sessions, the disRNN predicts choices better than the best cognitive model "
        f"(Q-learning): normalized likelihood {value:.4f} against {theirs:.4f}, difference "
        f"{d.value:+.4f} [{d.low:+.4f}, {d.high:+.4f}], which is {nats.value:+.4f} "
        f"[{nats.low:+.4f}, {nats.high:+.4f}] nats per trial (paired 95% intervals by Student's t "
        "over 10 sessions of 2 animals, for these fits and these animals). A fixed bias "
        f"has {bias:.4f}."
    )
    assert signal.outcome == "better"
    assert signal.difference == found.mse["signal_0"]
    assert signal.difference.high < 0
    assert "the disRNN predicts signal_0 better than the best other model (Q" in signal.sentence
    assert signal.nats is None
    assert judgement.alarms == ()


def test_worse():
    choice, signal = judged({"net": (0.3, 0.5), "q": (1.0, 1.0)})[0].verdicts
    assert (choice.outcome, signal.outcome) == ("worse", "worse")
    assert choice.difference.high < 0 < signal.difference.low
    assert "disRNN predicts choices worse than the best cognitive model (Q-l" in choice.sentence
    assert "disRNN predicts signal_0 worse than the best other model (Q" in signal.sentence


def test_a_level_in_brackets_stands_there_without_brackets_of_its_own(monkeypatch):
    monkeypatch.setitem(LABELS, "q", "Q-learning + side bias (hierarchical)")
    choice, signal = judged({"net": (0.3, 0.5), "q": (1.0, 1.0)})[0].verdicts
    assert "best cognitive model (Q-learning + side bias, hierarchical)" in choice.sentence
    assert "best other model (Q-learning + side bias, hierarchical)" in signal.sentence


def test_not_told_apart():
    choice, signal = judged({"net": (0.95, 0.97), "q": (1.0, 1.0)})[0].verdicts
    assert (choice.outcome, signal.outcome) == ("not told apart", "not told apart")
    assert choice.difference.low <= 0 <= choice.difference.high
    assert (
        "On held-out sessions, the disRNN is not told apart from the best cognitive model "
        "(Q-learning) by its predictions of choices: normalized likelihood"
    ) in choice.sentence


def test_the_opponent_is_the_strongest_on_the_scored_trials():
    judgement, against = judged({"net": (0.8, 0.8), "q": (0.5, 1.0), "dfq": (1.0, 0.5)})
    choice, signal = judgement.verdicts
    assert (choice.opponent, signal.opponent) == ("dfq", "q")
    assert "(DFQ)" in choice.sentence
    assert strongest(against("base"), ()) is None


def test_without_a_cognitive_model_the_bias_is_the_opponent():
    choice, signal = judged({"net": (1.0, 1.0)})[0].verdicts
    assert (choice.opponent, choice.outcome) == ("base", "better")
    assert choice.sentence.startswith(
        "No cognitive model was fitted to choices. On held-out sessions, the disRNN predicts "
        "choices better than a fixed bias: "
    )
    assert signal.sentence.startswith(
        "No other model predicts signal_0. On held-out sessions, the disRNN predicts signal_0 "
        "better than the mean of signal_0 alone: "
    )


def test_nothing_held_out_is_not_known():
    judgement, _ = judged({"net": (1.0, 1.0), "q": (0.3, 0.5)}, held_out=False)
    for verdict in judgement.verdicts:
        assert verdict.outcome == "not known"
        assert not verdict.held_out
    assert judgement.verdicts[0].sentence.startswith(
        "No session was held out, so it is not known whether the disRNN predicts choices better "
        "than the best cognitive model (Q-learning). On the fitted sessions, which favour the "
        "model with more parameters: normalized likelihood 0."
    )


def test_one_session_has_no_interval():
    choice, signal = judged({"net": (1.0, 1.0), "q": (0.3, 0.5)}, n_sessions=1)[0].verdicts
    assert (choice.outcome, signal.outcome) == ("not known", "not known")
    assert choice.sentence.startswith(
        "With one session held out there is no interval, so it is not known whether the disRNN "
        "predicts choices better than the best cognitive model (Q-learning): normalized"
    )
    assert "nan" not in choice.sentence + signal.sentence
    assert "[" not in choice.sentence + signal.sentence


def test_few_units_have_wide_intervals():
    """Two sessions, or two animals: Student's t, not resamples, says how little is known."""
    few = judged({"net": (1.0,), "q": (0.3,)}, n_sessions=2)[0].verdicts[0]
    assert (few.outcome, few.n_units) == ("not told apart", 2)
    assert few.nats.high - few.nats.value > 0.1


def test_the_unit_is_named():
    choice, _ = judged({"net": (1.0, 1.0), "q": (0.3, 0.5)}, unit="subject")[0].verdicts
    assert (choice.unit, choice.n_units) == ("subject", 2)
    assert "over 2 animals, for these fits and animals like these)" in choice.sentence
    choice, _ = judged({"net": (1.0,), "q": (0.3,)}, unit="session within subject")[0].verdicts
    assert "over 10 sessions within 2 animals, for these fits and these" in choice.sentence


def test_a_signal_may_be_no_better_than_the_mean_after_each_outcome():
    _, signal = judged({"net": (1.0, 0.97), "q": (1.0, 0.5), "naive": (0.0, 1.0)})[0].verdicts
    assert (signal.outcome, signal.opponent) == ("not told apart", "naive")
    assert (
        "On held-out sessions, the disRNN predicts signal_0 no better than the mean after each "
        "outcome: mean squared error"
    ) in signal.sentence
    both = judged({"net": (1.0, 0.5), "q": (1.0, 1.0), "naive": (0.0, 0.8)})[0].verdicts[1]
    assert "worse than the best other model (Q-learning): " in both.sentence
    assert "disRNN predicts signal_0 worse than the mean after each outcome: " in both.sentence
    better = judged({"net": (1.0, 0.9), "q": (1.0, 1.0), "naive": (0.0, 0.2)})[0].verdicts[1]
    assert "after each outcome" not in better.sentence


def test_a_model_worse_than_bias_or_mean_raises_an_alarm_each():
    judgement, against = judged({"net": (-1.0, -1.0), "q": (1.0, 1.0), "naive": (-3.0, 1.0)})
    assert [(a.model, a.target) for a in judgement.alarms] == [
        ("net", "choice"), ("net", "signal_0"),
    ]  # fmt: skip
    first, second = judgement.warnings
    nl = against("base").models["net"].normalized_likelihood.value
    nats = against("base").differences["net"].log_likelihood
    assert first == (
        "disRNN predicts held-out choices WORSE than a fixed bias: normalized likelihood "
        f"{nl:.4f} against 0.5000, {nats.value:+.4f} [{nats.low:+.4f}, {nats.high:+.4f}] nats per "
        "trial (paired 95% intervals by Student's t over 10 sessions of 2 animals, for these fits "
        "and these animals). Do not interpret its structure or its latent variables."
    )
    assert second.startswith("disRNN predicts held-out signal_0 WORSE than its mean alone: mean sq")
    assert judgement.notes() == {"net": f"{first} {second}"}
    assert judgement.sentences[:2] == (first, second)


def test_every_bad_model_is_named_not_only_the_one_of_the_verdict():
    judgement, _ = judged({"q": (1.0, 1.0), "dfq": (-0.2, 0.5)})
    assert judgement.verdicts == ()
    assert [a.model for a in judgement.alarms] == ["dfq"]
    assert judgement.as_dict()["verdict"] is None
    fitted = judged({"net": (-1.0, 0.5)}, held_out=False)[0]
    assert "predicts fitted choices WORSE than a fixed bias" in fitted.warnings[0]


def test_the_baseline_itself_raises_none():
    assert judged({"net": (0.0, 0.0), "q": (1e-9, 0.0)})[0].alarms == ()


def test_it_is_json_with_all_numbers():
    judgement, _ = judged({"net": (1.0, 1.0), "q": (0.3, 0.5)})
    found = json.loads(json.dumps(judgement.as_dict(), allow_nan=False))
    choice = found["verdict"]["choice"]
    assert (choice["unit"], choice["n_units"], choice["level"]) == ("session", 10, 0.95)
    assert choice["nats"] == judgement.verdicts[0].nats._asdict()
    assert found["verdict"]["signal"]["signal_0"]["outcome"] == "better"
    assert found["verdict"]["sentence"] == " ".join(v.sentence for v in judgement.verdicts)


def test_nothing_that_can_be_compared_is_not_known():
    trials, favoured, outcome = made()
    missing = trials.with_signals(np.full_like(trials.signal, np.nan), trials.names.signals)
    models = {name: said(favoured, outcome, 1.0) for name in ("net", "q", "base")}

    def against(reference):
        return compare(
            models, missing, rng=np.random.default_rng(1), reference=reference, n_draws=9
        )

    contest = Contest("net", ("q",), ("q",), ("net", "q"), "base")
    _, signal = judge(against, contest).verdicts
    assert signal.outcome == "not known"
    assert "the scored sessions have no trial on which signal_0 can be compared" in signal.sentence
