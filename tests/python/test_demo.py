"""The training of `metrana demo`, without a server."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metrana.demo.policy import CrossEntropyMethod, act

pytest.importorskip("gymnasium")

import metrana
from metrana.demo import cartpole


class Log:
    """Collects what the training logs."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.blocks: dict[str, list[Any]] = {}
        self.returns: dict[str, list[tuple[int, float]]] = {}
        self.scalars: dict[tuple[str, bool], list[float]] = {}
        monkeypatch.setattr(metrana, "log", self._log)
        monkeypatch.setattr(metrana, "log_rl_episode", self._episode)
        monkeypatch.setattr(metrana, "log_rl_environment_step", self._block)
        monkeypatch.setattr(metrana, "log_attributes", lambda *_: None)

    def _log(self, name: Any, value: Any = None, *, evaluation: bool = False) -> None:
        for key, number in name.items() if value is None else [(name, value)]:
            self.scalars.setdefault((key, evaluation), []).append(number)

    def _episode(self, name: str, values: Any, *, rl_step: int, episode: int, env_id: str) -> None:
        numbered = [(episode + i, float(value)) for i, value in enumerate(values)]
        self.returns.setdefault(env_id, []).extend(numbered)

    def _block(self, name: str, block: Any, *, rl_step: int, env_id: Any, episode: Any) -> None:
        assert block.shape == episode.shape == (len(env_id), block.shape[1])
        self.blocks.setdefault(name, []).append((block.copy(), episode.copy()))


def test_cartpole_is_solved_and_logged_consistently(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(monkeypatch)
    rounds: list[int] = []
    result = cartpole.train(cartpole.Config(), lambda number, *_: rounds.append(number))
    assert result >= cartpole.SOLVED
    assert rounds == list(range(len(rounds)))
    assert log.scalars["return", True][-1] >= cartpole.SOLVED
    assert len(log.scalars["train/loss", False]) == len(rounds)
    assert set(log.blocks) == {"reward", "cart/position", "pole/angle"}
    for env, returns in enumerate(log.returns.values()):
        episodes = [episode for episode, _ in returns]
        assert sorted(set(episodes)) == episodes
        for episode, value in returns:  # the rewards of an episode add up to its return
            rewards = [
                block[env][numbers[env] == episode] for block, numbers in log.blocks["reward"]
            ]
            assert np.concatenate(rewards).sum() == value


def test_the_same_seed_trains_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    config = cartpole.Config(environments=8, most_rounds=2, evaluation_episodes=8)
    logs = []
    for _ in range(2):
        log = Log(monkeypatch)
        cartpole.train(config, lambda *_: None)
        logs.append(log.scalars)
    assert logs[0] == logs[1]


def test_the_policy_pushes_to_where_it_is_positive() -> None:
    observations = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0]])
    assert act(np.array([1.0, 0.0]), observations).tolist() == [1, 0, 0]
    assert act(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]]), observations).tolist() == [1, 1, 1]


def test_the_method_moves_towards_the_elite_and_narrows() -> None:
    method = CrossEntropyMethod(2, elite=5, noise=0.1, rng=np.random.default_rng(1))
    goal = np.array([2.0, -1.0])
    losses = []
    for _ in range(30):
        population = method.sample(50)
        scores = -np.square(population - goal).sum(axis=1)
        losses.append(method.improve(population, scores)["train/loss"])
    assert np.allclose(method.mean, goal, atol=0.05)
    assert method.spread.max() < 0.1
    assert losses[-1] < losses[0]
