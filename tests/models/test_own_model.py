"""The guide's model of a user's own: twenty lines, and it does all that the others do."""

import contextlib
import re
from pathlib import Path
from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

import accumbens
from accumbens.errors import ConfigError
from accumbens.fit.likelihood.maximum_likelihood import fit_maximum_likelihood
from accumbens.models.cognitive import CognitiveModel, Parameter
from accumbens.models.own import check_own_model
from accumbens.models.parts.composed import with_parts
from accumbens.simulation import simulate
from accumbens.tasks.bandits import DriftingBandit
from accumbens.unrolling import unroll
from helpers.table import MODELS, example_trials

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "own_model.md"
KEY = jax.random.key(0)


def blocks():
    """The code of the guide, one string a block."""
    return re.findall(
        r"```(?:\{code-cell\}|python)\n(?::[^\n]*\n)*(.*?)```", GUIDE.read_text(), re.DOTALL
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """What the guide has made after all blocks but the last, which needs a run."""
    names = {}
    with contextlib.chdir(tmp_path_factory.mktemp("guide")):
        for code in blocks()[:-1]:
            exec(compile(code, str(GUIDE), "exec"), names)
        names["again"] = accumbens.load_model("win_stay", own=[names["WinStay"]])
    return names


def test_the_class_of_the_guide_takes_twenty_lines():
    own = blocks()[0][blocks()[0].index("class WinStay") :]
    assert len([line for line in own.splitlines() if line.strip()]) <= 20


def test_the_example_of_the_guide_finds_its_parameters(made):
    found = made["fit"]
    for name, truth in {"stay": 2.0, "shift": 1.0, "gain[dopamine]": 1.0}.items():
        estimate = found.parameters[name]
        assert abs(estimate.estimate - truth) < 4 * estimate.standard_error < 1.0
    better = made["found"].differences["WinStay"].log_likelihood
    assert better.low > 0


def test_recovery_parts_and_tests_of_the_guide_say_what_is_true(made):
    recovery = made["recovery"]
    assert recovery.parameters[:2] == ("stay", "shift")
    assert (recovery.covered.mean(0) >= 0.75).all()  # 15 of 20 or more: by chance once in 3,000
    bias = made["biased"].parameters["side_bias"]
    assert bias.low < 0 < bias.high
    assert made["same"].p < 1e-6
    assert made["same"].degrees == 1


def test_the_example_of_the_guide_stands_beside_a_run(made, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    accumbens.to_table(made["trials"].select_sessions(range(8))).to_parquet("trials.parquet")
    config = accumbens.FitConfig(models=("dfq_choice", "naive"), resamples=10)
    accumbens.run_fit("trials.parquet", config, "runs/mine")
    exec(compile(blocks()[-1], str(GUIDE), "exec"), made)
    np.testing.assert_array_equal(made["again"].stay, made["fit"].model.stay)
    rng = np.random.default_rng(0)
    against = accumbens.compare(made["models"], made["held_out"], reference="dfq_choice", rng=rng)
    assert list(against.models) == ["WinStay", "dfq_choice", "naive"]
    scored = accumbens.load_run("runs/mine").metrics["models"]["dfq_choice"]["choice"]
    found = against.models["dfq_choice"].normalized_likelihood.value
    assert found == pytest.approx(scored["normalized_likelihood"], abs=1e-6)


def test_a_class_in_place_of_a_name_is_refused(made):
    config = accumbens.FitConfig()
    # As without the checks of types that tests run with: they look at one name, by chance.
    object.__setattr__(config, "models", ("dfq_choice", made["WinStay"]))
    with pytest.raises(ConfigError, match=r"models holds WinStay, which is no name. A run fits"):
        config.__post_init__()


class Own(CognitiveModel):
    """A user's model that works; the others of this file do not."""

    parameters: ClassVar = {"stay": Parameter(-9.0, 9.0, (0.0, 3.0), "log-odds of repeating")}
    stay: Float[Array, ""] = eqx.field(converter=jnp.asarray)

    def initial_state(self, subject):
        return jnp.zeros(self.n_choices)

    def choice_logits(self, state):
        return state

    def prediction_error(self, state, choice, outcome):
        return self.reward_of(outcome) - 0.5

    def update(self, state, choice, outcome):
        return jnp.where(jnp.arange(self.n_choices) == choice, self.stay, 0.0)

    def latents(self, state):
        return {"first": state[0]}


class Branches(Own):
    def update(self, state, choice, outcome):
        return state if self.reward_of(outcome) > 0 else -state


class OneLogit(Own):
    def choice_logits(self, state):
        return state[0]


class TwoErrors(Own):
    def prediction_error(self, state, choice, outcome):
        return self.reward_of(outcome) - state


class OtherState(Own):
    def update(self, state, choice, outcome):
        return (state, state)


class Grows(Own):
    def update(self, state, choice, outcome):
        return jnp.append(state, 0.0)


class Counts(Own):
    def initial_state(self, subject):
        return jnp.zeros(self.n_choices, int)


class WideLatent(Own):
    def latents(self, state):
        return {"all": state}


BROKEN = {
    Branches: "Branches.update asks for the value of something that JAX only traces",
    OneLogit: r"OneLogit.choice_logits gives an array of shape \(\); it must give one number for",
    TwoErrors: r"TwoErrors.prediction_error gives an array of shape \(2,\); it must give one",
    OtherState: "OtherState.update gives a state made of .* but initial_state one of",
    Grows: r"Grows.update gives an array of real numbers with shape \(3,\) .* with shape \(2,\)",
    Counts: "Counts.update gives an array of real numbers .* initial_state gives of int32 numbers",
    WideLatent: r"WideLatent.latents, all, gives an array of shape \(2,\); it must give one number",
}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("through", ["fit", "simulate", "unroll", "fit with a part"])
def test_what_would_break_inside_jax_is_said_in_words(kind, through):
    trials = example_trials(2, 0)

    def attempt():
        if through == "simulate":
            return simulate(kind(1.0), DriftingBandit(), n_sessions=1, n_trials=3, key=KEY)
        if through == "unroll":
            return unroll(kind(1.0), trials)
        free = ["side_bias"] if "part" in through else []
        return fit_maximum_likelihood(kind, trials, key=KEY, n_starts=1, free=free)

    with pytest.raises(ConfigError, match=BROKEN[kind]):
        attempt()


def test_a_parameter_without_a_field_is_refused():
    class NoField(Own):
        parameters: ClassVar = {**Own.parameters, "shft": Parameter(-9.0, 9.0, (0.0, 3.0), "slip")}

    with pytest.raises(ConfigError, match=r"NoField.parameters names shft, but the class has no"):
        fit_maximum_likelihood(NoField, example_trials(2, 0), key=KEY)


def test_what_works_is_let_pass_and_state_in_single_precision_is_fitted():
    check_own_model(with_parts(Own(1.0), side_bias=0.1), 1)
    trials = simulate(Own(1.5), DriftingBandit(), n_sessions=10, n_trials=50, key=KEY)
    found = fit_maximum_likelihood(Own, trials, key=KEY, n_starts=2).parameters["stay"]
    stays = (trials.choice[:, 1:] == trials.choice[:, :-1]).mean()
    assert found.estimate == pytest.approx(np.log(stays / (1 - stays)), abs=1e-3)


def test_models_of_the_package_are_not_tried(monkeypatch):
    monkeypatch.setattr(jax, "eval_shape", None)
    for case in MODELS.values():
        check_own_model(case.model, 0)
