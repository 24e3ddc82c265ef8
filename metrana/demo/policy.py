"""The policy and the cross-entropy method that improves it.

The method keeps a normal distribution of policies. Each round samples a
population from it, tries every member, and fits the distribution to the elite,
the members that did best.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def act(weights: Array, observations: Array) -> NDArray[np.int64]:
    """Pushes right (1) where the weighted observation is positive, else left (0).

    Args:
        weights: [observation size] for one policy, or a row for each environment.
        observations: [environments, observation size].
    """
    push = (observations * weights).sum(axis=-1)
    return np.where(push > 0, 1, 0)


class CrossEntropyMethod:
    """A diagonal normal distribution over the weights of a policy."""

    def __init__(self, size: int, elite: int, noise: float, rng: np.random.Generator) -> None:
        """Starts wide around zero.

        Args:
            size: How many weights a policy has.
            elite: How many of the best the distribution is fitted to.
            noise: Added to the spread, less each round, so that it does not collapse early.
            rng: All randomness comes from here.
        """
        self.mean: Array = np.zeros(size)
        self.spread: Array = np.ones(size)
        self._elite = elite
        self._noise = noise
        self._rng = rng

    def sample(self, count: int) -> Array:
        """A population of `count` policies, a row each."""
        return self._rng.normal(self.mean, self.spread, (count, self.mean.size))

    def improve(self, population: Array, scores: Array) -> dict[str, float]:
        """Fits the distribution to the elite; returns what is worth logging.

        The loss is the cross-entropy between the elite and the distribution that it
        was drawn from: how surprising the best are.
        """
        best = np.argsort(scores)[-self._elite :]
        elite = population[best]
        surprise = 0.5 * ((elite - self.mean) / self.spread) ** 2 + np.log(self.spread)
        loss = float((surprise + 0.5 * np.log(2 * np.pi)).sum(axis=1).mean())
        self.mean = elite.mean(axis=0)
        self.spread = elite.std(axis=0) + self._noise
        self._noise *= 0.8
        return {
            "train/loss": loss,
            "train/mean_return": float(scores.mean()),
            "train/elite_return": float(scores[best].mean()),
            "train/best_return": float(scores.max()),
            "train/spread": float(self.spread.mean()),
        }
