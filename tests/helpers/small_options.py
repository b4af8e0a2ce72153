"""Options of fits that take seconds, as `accumbens fit --config` reads them."""

_OPTIONS = """
models = ["disrnn"]
resamples = 9
figures = false
seeds = {seeds}
[recipe]
{recipe}
[recipe.disrnn]
latents = 2
update_units = 4
update_layers = 1
choice_layers = 1
[recipe.warm_up]
steps = 20
[recipe.choice_stage]
steps = {steps}
settle = 0
"""


def small_options(steps: int, *, seeds: int = 1, recipe: str = "") -> str:
    """TOML of a small disRNN. steps: of its choices, all of them. recipe: further lines of that."""
    return _OPTIONS.format(steps=steps, seeds=seeds, recipe=recipe)
