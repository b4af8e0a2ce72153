"""What is said of a choice, in words."""

import numpy as np
import pytest

from accumbens.fit.disrnn.candidates import Candidate, Route
from accumbens.fit.disrnn.guides import Guide
from accumbens.fit.disrnn.selection import Selection
from accumbens.models.disrnn import Penalties
from accumbens.run.fit.selection_record import reason


@pytest.mark.parametrize(
    ("guide", "share", "said", "not_said"),
    [
        ("bias", 1.0, "It leans on a fixed bias: no cognitive model is", "latents are"),
        ("bias", 0.5, "It leans on a fixed bias", "cognitive model there"),
        ("bias", 0.0, "It was fitted to the choices alone.", "a fixed bias"),
        ("dfq", 1.0, "its latents are those of dfq", "a fixed bias"),
        ("dfq", 0.5, "what dfq, the best cognitive model there, says of them (50%)", "fixed bias"),
    ],
)  # fmt: skip
def test_a_fixed_bias_is_not_called_the_best_cognitive_model(guide, share, said, not_said):
    taken = Candidate(Route(share, 0, 0, 5), 600, 2.0, -0.5, -0.5, -0.5, 1, (1, 1))
    found = Guide(guide, [], None, {guide: np.zeros(1)})
    selection = Selection._make([None, [taken], 0, [0.0], found, -0.5, 50, Penalties(), {}, None])
    words = reason(selection, taken, {guide: 0.6})
    assert said in words
    assert not_said not in words
