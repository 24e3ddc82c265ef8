"""Fills a server with a project that looks like reinforcement learning, within seconds.

    python tests/browser/ppo_run.py http://127.0.0.1:7420
    python tests/browser/ppo_run.py --serve DIR --listen HOST:PORT

The second starts a server on a directory, fills it, and serves until Ctrl-C.

Two algorithms, `ppo` and `a2c`, with some seeds each, train the same environments. A
run is called `ppo-s0`; everything but times is the same whenever it is made. It has

- `reward`, `reward_terms/progress`, `reward_terms/energy` (their sum is the reward), `value`
  and `action_norm` for each environment step of each environment,
- `return`, `length` and `success` for each episode, rising with the training: harder
  tasks later, `ppo` earlier than `a2c`,
- `losses/policy`, `losses/value`, `losses/entropy`, `losses/kl`, `charts/explained_variance`,
  `charts/learning_rate`, and `return` of evaluations (label evaluation=true) for each update,
- the config keys `algorithm`, `seed`, `learning_rate`, `environments`, tags, and the
  attributes `task`, `difficulty` and `gravity` of each environment.

Odd on purpose: a reward is NaN in `ppo-s0` (env-05, first episode), a `losses/value` is
NaN in `a2c-s1` or the last seed, and in `ppo-s0` two environments restarted their last episode.

Options: `--workspace` (rl), `--project` (locomotion), `--seeds` (8), `--environments` (64),
`--updates` (40), `--steps` of each environment in an update (48), `--episodes N` adds a run
`many-episodes` of N episodes of EPISODE scale alone, `--only-episodes` makes no other run,
`--videos N` uploads videos of the first N episodes of env-00 in `ppo-s0`, a frame for each env
step, whose red is four times the step (the Python package `av` makes them). At
the end a line of JSON tells url, workspace, project and runs.
"""

from __future__ import annotations

import argparse
import json
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import FrameType
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

import metrana
from metrana.server import Server

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TASKS = ("reach", "push", "stack", "sort")
ALGORITHMS = ("ppo", "a2c")
HORIZON = 60
"""The longest episode, in environment steps."""


@dataclass(frozen=True)
class Options:
    """What is made."""

    workspace: str
    project: str
    seeds: int
    environments: int
    updates: int
    steps: int
    episodes: int
    only_episodes: bool
    videos: int


@dataclass(frozen=True)
class Training:
    """One run: an algorithm, a seed, and what they depend on."""

    algorithm: str
    seed: int
    options: Options

    @property
    def name(self) -> str:
        """The name of the run."""
        return f"{self.algorithm}-s{self.seed}"

    @property
    def environments(self) -> list[str]:
        """The ids of the environments."""
        return [f"env-{i:02}" for i in range(self.options.environments)]

    def difficulty(self) -> Floats:
        """Of each environment, from 0 to 1."""
        n = self.options.environments
        return np.arange(n) // len(TASKS) / max(1, (n - 1) // len(TASKS))

    def skill(self, progress: float, luck: Floats) -> Floats:
        """How well each environment is mastered, 0 to 1, when a part of the training is over."""
        slowness = 0.0 if self.algorithm == "ppo" else 0.15
        middle = 0.25 + slowness + 0.45 * self.difficulty() + luck
        ceiling = 1.0 if self.algorithm == "ppo" else 0.88
        return np.asarray(ceiling / (1 + np.exp(-(progress - middle) / 0.09)))


@dataclass
class Simulation:
    """Environments side by side, each in an episode of its own."""

    training: Training
    random: np.random.Generator
    luck: Floats = field(init=False)
    episode: Ints = field(init=False)
    at: Ints = field(init=False)
    """The env step that comes next in each episode."""
    length: Ints = field(init=False)
    began: Ints = field(init=False)
    """The update in which each episode began."""
    total: Floats = field(init=False)

    def __post_init__(self) -> None:
        """Begins the first episode everywhere."""
        n = self.training.options.environments
        # The luck of the seed, and of each environment.
        self.luck = self.random.normal(0, 0.05) + self.random.normal(0, 0.03, n)
        self.episode, self.at = np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.began, self.total = np.zeros(n, np.int64), np.zeros(n)
        self.length = self._lengths(np.zeros(n))

    def _lengths(self, skill: Floats) -> Ints:
        """How long episodes last: who is good falls later."""
        drawn = 6 + skill * HORIZON + self.random.normal(0, 5, len(skill))
        return np.clip(drawn, 4, HORIZON).astype(np.int64)

    def roll_out(self, update: int) -> tuple[dict[str, Floats], Ints, list[Ended]]:
        """What an update sees: blocks [M, T] by metric, their episodes, and those that ended."""
        options = self.training.options
        skill = self.training.skill(update / max(1, options.updates - 1), self.luck)
        shape = (options.environments, options.steps)
        progress, energy, value, action_norm = (np.empty(shape) for _ in range(4))
        episodes = np.empty(shape, np.int64)
        ended = []
        for step in range(options.steps):
            episodes[:, step] = self.episode
            phase = self.at / HORIZON
            noise = self.random.normal(0, 1, (3, options.environments))
            progress[:, step] = skill * (1 + 0.3 * np.sin(9 * phase)) + 0.1 * noise[0]
            energy[:, step] = -0.05 - 0.1 * (1 - skill) * np.abs(noise[1])
            value[:, step] = skill * (HORIZON - self.at) * 0.9 + noise[2]
            action_norm[:, step] = np.abs(0.4 + 0.5 * (1 - skill) * noise[1])
            self.total += progress[:, step] + energy[:, step]
            self.at += 1
            over = np.flatnonzero(self.at >= self.length)
            if len(over):
                ended.append(self._end(over, update, skill))
        blocks = {
            "reward": progress + energy,
            "reward_terms/progress": progress,
            "reward_terms/energy": energy,
            "value": value,
            "action_norm": action_norm,
        }
        return blocks, episodes, ended

    def _end(self, over: Ints, update: int, skill: Floats) -> Ended:
        """Ends episodes and begins the next ones."""
        ended = Ended(over, self.episode[over], self.total[over], self.at[over])
        self.episode[over] += 1
        self.at[over], self.total[over], self.began[over] = 0, 0, update
        self.length[over] = self._lengths(skill[over])
        return ended


@dataclass(frozen=True)
class Ended:
    """Episodes that ended in the same step, by environment."""

    environments: Ints
    episodes: Ints
    returns: Floats
    lengths: Ints


def train(training: Training, begin: Callable[..., object], videos_dir: str) -> None:
    """Makes one run."""
    options = training.options
    videos = options.videos if training.name == "ppo-s0" else 0
    random = np.random.default_rng([training.seed, ALGORITHMS.index(training.algorithm)])
    begin(
        run_name=training.name,
        tags=[training.algorithm, "baseline" if training.seed == 0 else "sweep"],
        description=f"{training.algorithm} on {len(TASKS)} tasks, seed {training.seed}",
        config={
            "algorithm": training.algorithm,
            "seed": training.seed,
            "learning_rate": 3e-4 if training.algorithm == "ppo" else 7e-4,
            "environments": options.environments,
            "steps": options.steps,
        },
        **({"rendering_upload": True, "rendering_output_dir": videos_dir} if videos else {}),
    )
    describe_environments(training)
    simulation = Simulation(training, random)
    for update in range(options.updates):
        blocks, episodes, ended = simulation.roll_out(update)
        if training.name == "ppo-s0" and update == 0:
            blocks["reward"][min(5, options.environments - 1), 2] = np.nan
        for name, block in blocks.items():
            metrana.log_rl_environment_step(
                name, block, rl_step=update, env_id=training.environments, episode=episodes
            )
        log_episodes(training, ended, update)
        film(training, ended, update, videos)
        metrana.log(losses(training, update, random), step=update)
        if update % 4 == 0:
            skill = training.skill(update / options.updates, simulation.luck)
            score = float(skill.mean() * HORIZON * 0.8)
            metrana.log("return", score, step=update, evaluation=True)
    metrana.close(close_timeout=120)
    if training.name == "ppo-s0":
        begin(run_name=training.name, resume_strategy="allow")
        restart(training, simulation)
        metrana.close(close_timeout=120)


def describe_environments(training: Training) -> None:
    """Logs the attributes of the environments."""
    difficulties = training.difficulty()
    for i, env in enumerate(training.environments):
        metrana.log_env_attributes(
            env,
            {
                "task": TASKS[i % len(TASKS)],
                "difficulty": round(float(difficulties[i]), 3),
                "gravity": 9.81 if i % 8 else 3.71,
            },
        )


def log_episodes(training: Training, ended: list[Ended], update: int) -> None:
    """Logs what episodes came to."""
    ids = np.array(training.environments)
    for of in ended:
        env_id = ids[of.environments].tolist()
        for name, values in (
            ("return", of.returns),
            ("length", of.lengths.astype(float)),
            ("success", (of.returns > 0.5 * HORIZON).astype(float)),
            ("truncated", (of.lengths == HORIZON).astype(float)),
        ):
            metrana.log_rl_episode(name, values, rl_step=update, episode=of.episodes, env_id=env_id)


def film(training: Training, ended: list[Ended], update: int, episodes: int) -> None:
    """Logs the frames of the first episodes of the first environment."""
    for of in ended:
        for env, episode, length in zip(of.environments, of.episodes, of.lengths, strict=True):
            if env != 0 or episode >= episodes:
                continue
            for step in range(int(length)):
                frame = np.full((96, 128, 3), (4 * step, 40, 90), np.uint8)
                frame[40:56, step : step + 16] = 255
                metrana.log_rendering(
                    frame, rl_step=update, episode=int(episode), env_id=training.environments[0]
                )


def losses(training: Training, update: int, random: np.random.Generator) -> dict[str, float]:
    """What the optimiser says of an update."""
    left = 1 - update / training.options.updates
    noise = random.normal(0, 1, 4)
    broken = training.algorithm == "a2c" and training.seed == min(1, training.options.seeds - 1)
    lost = broken and update == training.options.updates // 2
    return {
        "losses/policy": -0.02 * left + 0.004 * noise[0],
        "losses/value": float("nan") if lost else 0.9 * left**2 + 0.05 + 0.02 * abs(noise[1]),
        "losses/entropy": 0.3 + 1.1 * left + 0.01 * noise[2],
        "losses/kl": 0.012 + 0.002 * noise[3],
        "charts/explained_variance": 0.97 - 0.8 * left**2,
        "charts/learning_rate": 3e-4 * left,
    }


def restart(training: Training, simulation: Simulation) -> None:
    """Two environments came back from a crash and begin their last episode anew."""
    for env in dict.fromkeys((1, training.options.environments - 1)):
        if simulation.at[env] == 0:
            continue  # its last episode ended with the last update
        metrana.log_rl_environment_step(
            "reward",
            np.full(6, 0.25),
            rl_step=int(simulation.began[env]),
            env_id=training.environments[env],
            episode=int(simulation.episode[env]),
        )


def log_many_episodes(options: Options, begin: Callable[..., object]) -> None:
    """Makes the run of very many short episodes, those of an environment in blocks."""
    environments = [f"env-{i:04}" for i in range(min(1000, max(1, options.episodes // 1000)))]
    each = options.episodes // len(environments)
    random = np.random.default_rng(11)
    begin(run_name="many-episodes", config={"algorithm": "random search", "seed": 11})
    offsets = random.normal(0, 12, (len(environments), 1))
    for first, block in _blocks(each, 100):
        progress = np.arange(first, first + block) / each
        returns = 200 * progress + offsets + random.normal(0, 20, (len(environments), block))
        lengths = np.clip(returns + random.normal(0, 9, returns.shape), 1, 300).round()
        for name, values in (("return", returns), ("length", lengths)):
            metrana.log_rl_episode(
                name, values, rl_step=first // 100, episode=first, env_id=environments
            )
    metrana.close(close_timeout=120)


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    for first in range(0, count, size):
        yield first, min(size, count - first)


def fill(url: str, options: Options) -> list[str]:
    """Makes all runs; their names."""

    def begin(**given: object) -> object:
        return metrana.init(
            workspace_name=options.workspace,
            project_name=options.project,
            ingestion_url=url,
            backpressure_strategy="block",
            max_send_retries=None,
            log_level="WARNING",
            **given,  # type: ignore[arg-type]
        )

    names = []
    if not options.only_episodes:
        with tempfile.TemporaryDirectory() as videos_dir:
            for algorithm in ALGORITHMS:
                for seed in range(options.seeds):
                    training = Training(algorithm, seed, options)
                    train(training, begin, videos_dir)
                    names.append(training.name)
    if options.episodes:
        log_many_episodes(options, begin)
        names.append("many-episodes")
    return names


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("url", nargs="?", help="the server to fill")
    parser.add_argument("--serve", metavar="DIR", help="start a server on this directory instead")
    parser.add_argument("--listen", default="127.0.0.1:0", help="where that one listens")
    parser.add_argument("--workspace", default="rl")
    parser.add_argument("--project", default="locomotion")
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--environments", type=int, default=64)
    parser.add_argument("--updates", type=int, default=40)
    parser.add_argument("--steps", type=int, default=48)
    parser.add_argument("--episodes", type=int, default=0)
    parser.add_argument("--only-episodes", action="store_true")
    parser.add_argument("--videos", type=int, default=0)
    given = vars(parser.parse_args())
    url, serve, listen = (given.pop(name) for name in ("url", "serve", "listen"))
    options = Options(**given)
    if (url is None) == (serve is None):
        parser.error("give either the address of a server or --serve DIR")
    if url is not None:
        report(url, options)
        return
    # However it is ended, the server ends with it. A shell starts background jobs with
    # Ctrl-C ignored, which would be inherited.
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGINT, _interrupt)
    try:
        with Server(serve, listen) as server:
            report(server.url, options)
            server.wait()
    except KeyboardInterrupt:
        return


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def report(url: str, options: Options) -> None:
    """Fills a server and says with what."""
    runs = fill(url, options)
    print(
        json.dumps(
            {"url": url, "workspace": options.workspace, "project": options.project, "runs": runs}
        ),
        flush=True,
    )


if __name__ == "__main__":
    main()
