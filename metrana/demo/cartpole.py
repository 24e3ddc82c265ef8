"""Trains CartPole-v1 and logs everything about it: an example, top to bottom.

Each round, every environment tries one member of a population of policies for
500 steps; episodes that end are followed by new ones. The best members are where
the next population comes from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from numpy.typing import NDArray

import metrana
from metrana.demo.policy import Array, CrossEntropyMethod, act

SOLVED = 475.0
"""The mean return over `Config.final_episodes` that counts as solved."""


@dataclass(frozen=True)
class Config:
    """What the training depends on."""

    environment: str = "CartPole-v1"
    seed: int = 7
    environments: int = 32
    """In parallel; as many policies are tried in a round."""
    steps: int = 500
    """Of every environment in a round: CartPole's longest episode."""
    elite: int = 6
    noise: float = 0.3
    least_rounds: int = 12
    most_rounds: int = 60
    evaluation_episodes: int = 32
    """After every round."""
    final_episodes: int = 100


@dataclass(frozen=True)
class Rollout:
    """What M environments did in T steps. All arrays are [M, T]."""

    rewards: Array
    episodes: NDArray[np.int64]
    ended: NDArray[np.bool_]
    """Whether the step was the last of its episode."""
    positions: Array
    angles: Array

    def returns(self, environment: int) -> Array:
        """The returns of the episodes that ended in one environment, in order."""
        ends = np.flatnonzero(self.ended[environment]) + 1
        totals = np.concatenate([[0.0], self.rewards[environment].cumsum()[ends - 1]])
        return np.diff(totals)


def train(config: Config, progress: Callable[[int, float, float], None]) -> float:
    """Trains until CartPole is solved or the rounds are used up.

    Args:
        config: What to train.
        progress: Told after every round: its number, the population's mean return and
            the mean return of the evaluation.

    Returns:
        The mean return over the final evaluation episodes.
    """
    rng = np.random.default_rng(config.seed)
    envs = SyncVectorEnv(
        [lambda: gymnasium.make(config.environment)] * config.environments,
        autoreset_mode=AutoresetMode.SAME_STEP,
    )
    names = [f"env-{i:02}" for i in range(config.environments)]
    observations, _ = envs.reset()
    method = CrossEntropyMethod(observations.shape[1], config.elite, config.noise, rng)
    next_episodes = np.zeros(config.environments, np.int64)
    result = 0.0

    for rl_step in range(config.most_rounds):
        population = method.sample(config.environments)
        rollout = roll_out(envs, population, config.steps, rng, next_episodes)
        next_episodes = rollout.episodes[:, -1] + 1
        returns = [rollout.returns(i) for i in range(config.environments)]

        # One value an environment step, of all environments and steps at once ...
        for metric, block in (
            ("reward", rollout.rewards),
            ("cart/position", rollout.positions),
            ("pole/angle", rollout.angles),
        ):
            metrana.log_rl_environment_step(
                metric, block, rl_step=rl_step, env_id=names, episode=rollout.episodes
            )
        # ... one value an episode ...
        for name, values, first in zip(names, returns, rollout.episodes[:, 0], strict=True):
            metrana.log_rl_episode(
                "return", values, rl_step=rl_step, episode=int(first), env_id=name
            )
        # ... and one value a round.
        scores = np.array([values.mean() for values in returns])
        metrana.log(method.improve(population, scores))

        result = evaluate(envs, method.mean, config.evaluation_episodes, rng)
        metrana.log("return", result, evaluation=True)
        progress(rl_step, float(scores.mean()), result)
        if result >= SOLVED and rl_step + 1 >= config.least_rounds:
            result = evaluate(envs, method.mean, config.final_episodes, rng)
            metrana.log("return/final", result, evaluation=True)
            if result >= SOLVED:
                break
    envs.close()
    metrana.log_attributes(
        "result", {"return": result, "solved": result >= SOLVED, "weights": method.mean}
    )
    return result


def roll_out(
    envs: SyncVectorEnv,
    population: Array,
    steps: int,
    rng: np.random.Generator,
    first_episodes: NDArray[np.int64],
) -> Rollout:
    """Lets each environment follow its own policy for some steps, from a fresh start."""
    shape = (len(population), steps)
    episode = first_episodes.copy()
    rollout = Rollout(
        rewards=np.empty(shape),
        episodes=np.empty(shape, np.int64),
        ended=np.empty(shape, np.bool_),
        positions=np.empty(shape),
        angles=np.empty(shape),
    )
    observations, _ = envs.reset(seed=int(rng.integers(2**31)))
    for step in range(steps):
        rollout.positions[:, step] = observations[:, 0]
        rollout.angles[:, step] = observations[:, 2]
        rollout.episodes[:, step] = episode
        observations, rewards, terminated, truncated, _ = envs.step(act(population, observations))
        rollout.rewards[:, step] = rewards
        rollout.ended[:, step] = terminated | truncated
        episode += rollout.ended[:, step]
    return rollout


def evaluate(envs: SyncVectorEnv, weights: Array, episodes: int, rng: np.random.Generator) -> float:
    """The mean return of one policy, over episodes that it was not trained on.

    The first episodes of each environment count, so that short ones are not favoured.
    """
    quota = -(-episodes // envs.num_envs)
    returns: list[list[float]] = [[] for _ in range(envs.num_envs)]
    running = np.zeros(envs.num_envs)
    observations, _ = envs.reset(seed=int(rng.integers(2**31)))
    while min(map(len, returns)) < quota:
        observations, rewards, terminated, truncated, _ = envs.step(act(weights, observations))
        running += rewards
        for i in np.flatnonzero(terminated | truncated):
            returns[i].append(float(running[i]))
            running[i] = 0
    first = [values[turn] for turn in range(quota) for values in returns]
    return float(np.mean(first[:episodes]))


def describe(config: Config) -> dict[str, object]:
    """The config to log with the run."""
    return {
        **asdict(config),
        "method": "cross-entropy method",
        "policy": "linear",
        "solved_at": SOLVED,
        "gymnasium": gymnasium.__version__,
        "numpy": np.__version__,
    }
