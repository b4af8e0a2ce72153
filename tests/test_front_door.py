"""The names at the front door: all there, each what it says, found lazily."""

import pytest

import accumbens


@pytest.mark.parametrize("name", accumbens.__all__)
def test_every_public_name_is_there(name):
    found = getattr(accumbens, name)
    assert found.__name__ == name
    assert found.__doc__


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(AttributeError, match="accumbens has no 'fit_dfq'; it has AccumbensError"):
        _ = accumbens.fit_dfq
    assert set(accumbens.__all__) <= set(dir(accumbens))
