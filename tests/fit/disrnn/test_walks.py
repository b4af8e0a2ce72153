"""Which paths of a selection are walked, and to which end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from accumbens.fit.disrnn import relaxing, stopping, walks
from accumbens.fit.disrnn.candidates import Route
from accumbens.fit.disrnn.config import RecipeConfig, SelectionConfig
from accumbens.fit.disrnn.paths import Path
from accumbens.fit.disrnn.preparation import with_unseen_subjects
from accumbens.fit.folds import folds_of
from accumbens.progress.base import Progress
from accumbens.unrolling import unroll
from helpers.small_selections import AGENT, QUICK, SMALL, sessions_of


@pytest.fixture(scope="module")
def trials():
    return sessions_of(AGENT)


@pytest.fixture
def explored(trials):
    found = walks.Walks(trials, SMALL, QUICK, jax.random.key(0), Progress(), None, "")
    found.explore()
    return found


def test_fewer_latents_that_are_hopeless_are_not_walked_without_folds(explored, monkeypatch):
    than = explored.best_along(explored.chosen)._replace(n_open=2)
    before = dict(explored.walked)
    monkeypatch.setattr(walks, "HOPELESS", -10.0)
    assert explored.begin_fewer(than, [1]) == []
    assert explored.walked == before
    monkeypatch.setattr(walks, "HOPELESS", 10.0)
    (route,) = explored.begin_fewer(than, [1])
    assert route == than.route._replace(latents=1)
    explored.finish_fewer(route)
    assert {c.n_open for c in explored.along(route)} <= {0, 1}
    assert explored.walked[route].scores.shape[1:] == (3, 2, 6)


def test_a_copy_with_fewer_latents_is_judged_by_its_divergence_from_the_guide(explored):
    """Against probabilities written out, of the copy that the fit to all trials comes to."""
    route = Route(1.0, 0, 0, 1)
    explored._walk_everything({route: 12})
    copied = []
    advance = Path.advance

    def kept(path, schedule, penalties):
        advance(path, schedule, penalties)
        copied.append(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "advance", kept)
        assert relaxing.may_copy(explored, route, -1.0)
    trials, guide = explored.trials, explored.guide.models[-1]
    model = with_unseen_subjects(copied[-1].model, explored.batch)
    log_q, log_p = (
        jax.nn.log_softmax(jnp.asarray(unroll(m, trials).choice_logits)) for m in (model, guide)
    )
    divergence = (jnp.exp(log_p) * (log_p - log_q)).sum(-1)[trials.scored].mean()
    assert divergence > 1e-6
    just = -float(divergence) + relaxing.TOO_FAR
    assert relaxing.may_copy(explored, route, just - 1e-5)
    assert not relaxing.may_copy(explored, route, just + 1e-5)


def falling_from(peak, n, best=-0.60):
    """Log likelihoods per trial that rise to a peak and then fall by a thousandth each time."""
    return [best - abs(i - peak) * 1e-3 for i in range(n)]


def test_a_path_is_past_its_best_after_three_falls_and_not_early():
    assert stopping.is_past_its_best(falling_from(16, 20))
    assert not stopping.is_past_its_best(falling_from(17, 20))
    assert not stopping.is_past_its_best(falling_from(12, 17))  # 850 steps
    assert stopping.is_past_its_best(falling_from(12, 18))
    up_and_down = [-0.600, -0.601, -0.6005] * 6
    assert not stopping.is_past_its_best(up_and_down)


def test_a_path_is_hopeless_far_below_its_own_best_or_behind_others():
    assert stopping.is_hopeless([-0.6] * 12 + [-0.6101], -np.inf)
    assert not stopping.is_hopeless([-0.6] * 12 + [-0.6099], -np.inf)
    assert not stopping.is_hopeless([-0.5] * 5 + [-0.6] * 12, -np.inf)  # not yet to be chosen
    assert stopping.is_hopeless([-0.6] * 18, -0.5969)
    assert not stopping.is_hopeless([-0.6] * 18, -0.5971)
    assert not stopping.is_hopeless([-0.6] * 17, -0.5)


class Given(walks.Walks):
    """Walks whose paths without each fold are given: what is expected at each checkpoint."""

    def __init__(self, trials, expected):
        self.trials, self.expected, self.walks = trials, expected, []
        self.config = SelectionConfig(starts=1, embedding=0)
        self.recipe, self.folds = RecipeConfig(), folds_of(trials, 4)
        self.n, self.n_checkpoints = int(trials.scored.sum()), 30
        self.every_fold, self.walked, self.of_all = range(4), {}, {}

    def _walk(self, route, folds, name, ends=lambda _: False, progress=None):
        per_session = self.trials.scored.sum(1) / len(folds)
        scores = []
        for expected in self.expected[route.share]:
            held_out = expected * per_session
            both = np.stack([held_out, (len(self.folds) - 1) * held_out])
            scores.append(np.repeat(both[None], len(folds), axis=0))
            walked = walks.Walked(
                [[None] * len(folds)] * len(scores), np.stack(scores),
                np.full((len(scores), len(folds)), 2),
            )  # fmt: skip
            if ends(walked):
                break
        self.walks.append((route.share, route.latents, name, len(scores)))
        return walked

    def _walk_everything(self, routes):
        for route, n in routes.items():
            self.of_all[route] = self._walk(
                route, [len(self.folds)], "all", lambda so_far, n=n: len(so_far.scores) >= n
            )


def test_paths_that_would_not_be_chosen_end_once_they_are_past_their_best(trials):
    rising, level = np.linspace(-0.6025, -0.6, 30), np.full(30, -0.6)
    early = falling_from(18, 30, best=-0.601)
    found = Given(trials, {1.0: level, 0.5: early, 0.0: rising - 0.0005})
    found.explore()
    assert found.chosen.share == 1
    assert found.walks[:3] == [(1, 5, "folds", 30), (0.5, 5, "folds", 22), (0, 5, "folds", 30)]
    assert found.walks[3:] == [(1, 5, "all", 30), (1, 1, "all", 30)]
    better = Given(trials, {1.0: level, 0.5: falling_from(17, 30, best=-0.599), 0.0: level - 0.001})
    better.explore()
    assert better.chosen.share == 0.5
    assert better.walks[1][-1] == 29  # it may be chosen, and ends 0.01 below its best


def test_a_path_that_ended_early_and_is_chosen_after_all_is_walked_to_its_end(trials):
    """Shares of 0.5 and 0 lie within a standard error of one another, and 1 does not."""
    found = Given(trials, {
        1.0: np.full(30, -0.602), 0.5: falling_from(18, 30, best=-0.60), 0.0: np.full(30, -0.5999),
    })  # fmt: skip
    errors = iter([0.003, 0.0, 0.0, 0.0])
    found._standard_error = lambda *_: next(errors)
    found._most_shrunk = lambda routes: routes[1]
    found.explore()
    assert found.walks[1] == (0.5, 5, "folds", 22)
    assert (0.5, 5, "folds again", 30) in found.walks
    assert len(found.along(found.chosen)) == 30
