"""Units of parameters on axes."""

import pytest

from accumbens.figures.units import parameter_label
from accumbens.models.catalogue import cognitive
from accumbens.models.parts.composed import PARTS

KNOWN = {
    name
    for kind in (*(entry.model_class for entry in cognitive().values()), *PARTS)
    for name in kind.parameters
}


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_every_parameter_of_the_catalogue_has_a_unit(name):
    said, unit = parameter_label(name).split("\n")
    assert said == name.replace("_", " ")
    assert unit.startswith("(")
    assert unit.endswith(")")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("learning_rate", "learning rate\n(share per trial)"),
        ("bias[0]", "bias[0]\n(log-odds)"),
        ("gain[dopamine]", "gain[dopamine]\n(unit of dopamine per reward)"),
        ("residual_sd[da]", "residual sd[da]\n(unit of da)"),
        ("courage", "courage"),
    ],
)
def test_labels(name, label):
    assert parameter_label(name) == label
