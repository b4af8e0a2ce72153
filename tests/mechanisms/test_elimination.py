"""Terms that go one by one, against the same by plain least squares on the points themselves."""

import numpy as np
import pytest

from accumbens.mechanisms.equations.elimination import elimination_path, gram_of


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    n, session = 300, np.repeat([0, 1, 2], 100)
    x = rng.normal(size=(n, 6))
    x[:, 3] = x[:, 0] ** 2 + 0.05 * x[:, 1]  # close to others' powers
    y = 0.7 * x[:, 0] - 0.4 * x[:, 4] + 0.1 * rng.normal(size=n)
    weight = rng.uniform(0.5, 1.5, n)
    return x, y, session, weight


def error(x, y, weight, chosen):
    root = np.sqrt(weight)
    if not len(chosen):
        return weight @ y**2
    solved = np.linalg.lstsq(x[:, chosen] * root[:, None], y * root, rcond=None)[0]
    return weight @ (y - x[:, chosen] @ solved) ** 2


def test_the_term_that_goes_is_the_one_that_is_missed_least(data):
    x, y, session, weight = data
    summed = gram_of(x, y, session, 3, weight).summed(np.ones(3))
    path = elimination_path(summed)
    chosen = list(range(6))
    for step in range(6):
        assert np.flatnonzero(path.chosen[step]).tolist() == chosen
        total = error(x, y, weight, []), error(x, y, weight, chosen)
        assert path.unexplained[step] == pytest.approx(total[1] / total[0], rel=1e-6)
        costs = [error(x, y, weight, [j for j in chosen if j != i]) for i in chosen]
        chosen.pop(int(np.argmin(costs)))
    assert not path.chosen[6].any()
    assert path.unexplained[6] == 1
    assert np.flatnonzero(path.chosen[path.sparsest(0.05)]).tolist() == [0, 4]


def test_a_resample_of_sessions_is_their_points_as_often(data):
    x, y, session, weight = data
    counts = np.array([2.0, 0.0, 1.0])
    summed = gram_of(x, y, session, 3, weight).summed(counts)
    chosen = np.array([True, False, False, True, True, False])
    often = weight * counts[session]
    root = np.sqrt(often)
    solved = np.linalg.lstsq(x[:, chosen] * root[:, None], y * root, rcond=None)[0]
    np.testing.assert_allclose(summed.solved(chosen)[chosen], solved, rtol=1e-9)
    assert summed.unexplained(summed.solved(chosen)) == pytest.approx(
        error(x, y, often, np.flatnonzero(chosen)) / (often @ y**2), rel=1e-8
    )


def test_of_terms_that_are_the_same_the_simpler_stays(data):
    x, y, session, weight = data
    twice = np.column_stack([x, x[:, 0] - 2 * x[:, 4], np.zeros(len(y))])
    path = elimination_path(gram_of(twice, y, session, 3, weight).summed(np.ones(3)))
    assert not path.chosen[:, 6:].any()
    assert np.isfinite(path.unexplained).all()
