"""What is given in place of another type ends in an error that says what to give.

In a process of its own: in this one, types are checked before the package sees its arguments.
"""

import json
import subprocess
import sys

import pytest

PROGRAM = """
import json
import jax, numpy as np
import accumbens as a
from accumbens.credit import fit_history
trials = a.trials_from_arrays(np.ones((4, 10), int), np.ones((4, 10, 1)))
frame, model, task = a.to_table(trials), a.QLearning(0.5, 2.0), a.ReversalBandit()
key, rng, few = jax.random.key(0), np.random.default_rng(0), {"n_sessions": 1, "n_trials": 5}
calls = {
    "frame along": lambda: a.unroll(model, frame),
    "frame fitted": lambda: a.fit_maximum_likelihood(a.QLearning, frame, key=key),
    "frame fitted by a disRNN": lambda: a.fit_disrnn(frame, a.RecipeConfig(), key=key),
    "frame fitted by group": lambda: a.fit.fit_hierarchical(a.QLearning, frame, key=key),
    "frame scored": lambda: a.evaluate(model, frame, rng=rng),
    "frame regressed": lambda: fit_history(frame),
    "frame written": lambda: a.to_table(frame),
    "trials read": lambda: a.from_table(trials),
    "name along": lambda: a.unroll("DFQ", trials),
    "name scored": lambda: a.evaluate("DFQ", trials, rng=rng),
    "name compared": lambda: a.compare({"q": "DFQ"}, trials, rng=rng),
    "name simulated": lambda: a.simulate("DFQ", task, key=key, **few),
    "name of a task": lambda: a.simulate(model, "reversal", key=key, **few),
    "number as key": lambda: a.fit_maximum_likelihood(a.QLearning, trials, key=0),
    "number as key of a simulation": lambda: a.simulate(model, task, key=0, **few),
    "number as rng": lambda: a.evaluate(model, trials, rng=0),
    "number as a stage": lambda: a.fit.RecipeConfig(choice_stage=7),
    "number as the GRU's stage": lambda: a.fit.GRUConfig(stage=7),
    "frame fitted by animal": lambda: a.fit_by_subject(a.QLearning, frame, key=key),
    "trials joined alone": lambda: a.concatenate(trials),
    "frame joined": lambda: a.concatenate([frame, frame]),
    "list compared": lambda: a.compare([model], trials, rng=rng),
    "name saved": lambda: a.save_model("DFQ", "q"),
    "number as a path": lambda: a.load_model(5),
    "number as key of a cohort": lambda: a.simulate_cohort([model], task, key=0, **few),
    "model as a cohort": lambda: a.simulate_cohort(model, task, key=key, **few),
    "half a session": lambda: a.simulate(model, task, n_sessions=2.5, n_trials=5, key=key),
    "text as lags": lambda: fit_history(trials, "3"),
    "text as seeds": lambda: a.FitConfig(seeds="two"),
    "table as a recipe": lambda: a.FitConfig(recipe={"joint": True}),
    "table as a configuration": lambda: a.run_fit("trials.csv", {"seeds": 1}, "run"),
    "table as options of credit": lambda: a.run_credit("trials.csv", {}, "run"),
    "number as rng of a comparison": lambda: a.compare({"q": model}, trials, rng=0),
}
said = {}
for name, call in calls.items():
    try:
        call()
        said[name] = "nothing"
    except Exception as error:
        said[name] = f"{type(error).__name__}: {error}"
import pandas as pd
frame = pd.DataFrame({"choice": [0, 1, 2], "water": [1, 0, 0], "auc": [0.5, 1.0, 2.0]})
one = a.TableFormat(outcome="water", signal="auc", missed=2, subject=None, session=None)
read = a.from_table(frame, one)
two = a.TableFormat(outcome=["a", "b"])
said["one model"] = a.FitConfig(models="DFQ, choices").models
said["one column"] = [one.outcome, one.signal, one.missed, two.outcome, read.names.signals,
                      read.choice.tolist()]
stage = a.fit.StageConfig(steps=1200)
said["any stage"] = a.fit.RecipeConfig(choice_stage=stage) == a.fit.RecipeConfig()
print(json.dumps(said))
"""
ADVICE = {
    "frame": r"trials is a DataFrame, which cannot be used here. Give Trials: read a table",
    "trials": "table is a Trials, which cannot be used here. Give a DataFrame, or the path",
    "name": "model is 'DFQ' (str), which cannot be used here. Give a model, such as",
    "name of a task": "task is 'reversal', which is no task. Give one, such as",
    "number as key": "key is 0, which is not one key of JAX. Make one from a number: key=jax",
    "number as a stage": "choice_stage is 7 (int), which cannot be used here. Give a stage: accum",
    "number as the GRU's": "gru.stage is 7 (int), which cannot be used here. Give a stage: accumb",
    "trials joined": "parts is a Trials, which cannot be used here. Give a list of Trials: conc",
    "list compared": "models is a list, which cannot be used here. Give models by name, such as",
    "number as a path": "stem is 5 (int), which cannot be used here. Give the path of both files",
    "model as a cohort": "agents is a QLearning, which cannot be used here. Give a list of models",
    "half a session": "n_sessions is 2.5 (float), which cannot be used here. Give a whole number",
    "text as lags": "n_lags is '3' (str), which cannot be used here. Give a whole number.",
    "text as seeds": "seeds is 'two' (str), which cannot be used here. Give a whole number.",
    "table as a recipe": "recipe is a dict, which cannot be used here. Give RecipeConfig(...).",
    "table as a configuration": "config is a dict, which cannot be used here. Give FitConfig(...).",
    "table as options": "config is a dict, which cannot be used here. Give CreditConfig(...).",
    "number as rng": "rng is 0 (int), which cannot be used here. Make one from a number: rng=np",
}


@pytest.fixture(scope="module")
def said():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True)
    assert not done.returncode, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_what_is_of_another_type_is_said_with_what_to_give(said):
    assert len(said) == 36
    for name, message in said.items():
        if name in ("one column", "one model", "any stage"):
            continue
        kind = max((k for k in ADVICE if name.startswith(k)), key=len)
        assert message.startswith(f"ConfigError: {ADVICE[kind]}"), (name, message)


def test_a_single_column_may_stand_for_a_tuple_and_any_stage_for_its_own(said):
    assert said["any stage"] is True
    assert said["one model"] == ["dfq_choice"]
    assert said["one column"] == [["water"], ["auc"], [2], ["a", "b"], ["auc"], [[0, 1, -1]]]
