"""Every number of a query against NumPy on the same input: random runs, asked at random.

The seed of what was logged and asked is in the name of each test.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
import operator
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess
from metrana.filters import Filter
from metrana.frames import Axis, Buckets, SeriesBuckets
from metrana.query import AttrFilter, QueryClient, SeriesFilter, Steps

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEEDS = (1, 2, 3)
EPOCH = 1_700_000_000_000  # Unix milliseconds
EXACT = 1e-12  # of floats added up in another order
REDUCERS: dict[str, Callable[[Floats], Any]] = {
    "avg": np.mean, "min": np.min, "max": np.max, "sum": np.sum, "std": np.std, "median": np.median,
}  # fmt: skip
AGGREGATIONS: Any = list(REDUCERS)


@dataclass(frozen=True)
class Points:
    """Of one series, by ascending step."""

    steps: Ints
    values: Floats
    times: Ints

    def where(self, chosen: NDArray[Any]) -> Points:
        return Points(self.steps[chosen], self.values[chosen], self.times[chosen])

    def then(self, more: Points) -> Points:
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(more), strict=True)
        return Points(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class RLPoints:
    """Of one series in all environments, in the order logged."""

    envs: Ints
    rl_steps: Ints
    episodes: Ints
    minors: Ints
    """Steps within the episode."""
    values: Floats
    times: Ints

    def where(self, chosen: NDArray[Any]) -> RLPoints:
        return RLPoints(*(column[chosen] for column in dataclasses.astuple(self)))


class Drawn:
    """What one seed made of runs, and the server that was told."""

    def __init__(self, seed: int, url: str) -> None:
        self.seed, self.url = seed, url
        self.rng, self.chance = np.random.default_rng(seed), random.Random(seed)
        self.points: dict[tuple[str, str], Points] = {}
        self.forks: dict[str, tuple[str, int]] = {}
        self.reward = self.returns = _no_rl_points()
        self.rl_fork = self.chance.randint(1, RL_STEPS - 2)
        self.reward_of_fork = _no_rl_points()
        self.attributes: list[dict[str, Any]] = []
        self.of_episodes: dict[tuple[int, int], str] = {}
        self.listed: dict[str, dict[str, Any]] = {}
        self.scores: dict[str, Floats] = {}

    def client(self, project: str) -> QueryClient:
        return QueryClient(workspace_name="w", project_name=project, query_url=self.url)

    def run(self, project: str, name: str, **arguments: Any) -> metrana.OpenRun:
        return metrana.init(
            api_key="k", workspace_name="w", project_name=project, run_name=name,
            ingestion_url=self.url, **arguments,
        )  # fmt: skip


def _no_rl_points() -> RLPoints:
    none = np.empty(0, np.int64)
    return RLPoints(none, none, none, none, np.empty(0), none)


@pytest.fixture(scope="module", params=SEEDS)
def drawn(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Drawn]:
    server = ServerProcess(tmp_path_factory.mktemp("numbers") / "data")
    found = Drawn(request.param, server.url)
    try:
        _log_points(found)
        _log_forks(found)
        _log_environments(found)
        _log_listed(found)
        if found.seed % 2:  # what was in memory is then in segments
            assert server.stop() == 0
            server.restart()
        yield found
    finally:
        server.end()


# What is logged


def _values(drawn: Drawn, n: int) -> Floats:
    """Of some magnitude; a few, sometimes many, of them not finite."""
    values = drawn.rng.standard_normal(n) * 10.0 ** drawn.rng.integers(-3, 4)
    strange = drawn.rng.random(n) < drawn.chance.choice([0, 0.02, 0.5])
    values[strange] = drawn.rng.choice([np.nan, np.inf, -np.inf], strange.sum())
    begin = int(drawn.rng.integers(n))
    values[begin : begin + n // 10] = np.nan
    return values


def _points(drawn: Drawn, n: int, first: int = 0) -> Points:
    gaps = drawn.rng.integers(1, drawn.chance.choice([2, 5, 1000]), n)
    steps = first + np.cumsum(gaps) - gaps[0]
    times = EPOCH + np.cumsum(drawn.rng.integers(0, 50, n)) + drawn.rng.integers(0, 90, n)
    return Points(steps, _values(drawn, n), times)


def _log(points: Points, name: str, labels: dict[str, str] | None = None) -> None:
    metrana.log(name, points.values, step=points.steps, timestamp=points.times, labels=labels)


def _log_points(drawn: Drawn) -> None:
    for run in ("run-0", "run-1", "run-2"):
        with drawn.run("points", run):
            for name, n in (("long", 9000), ("short", 80), ("one", 1)):
                drawn.points[run, name] = _points(drawn, n, int(drawn.rng.integers(50)))
                _log(drawn.points[run, name], name)
            nothing = _points(drawn, 5)
            nothing.values[:] = np.nan
            drawn.points[run, "nothing"] = nothing
            _log(nothing, "nothing")
            for split in "ab":
                for host in "xyz":
                    key = f"acc(host={host}, split={split})"
                    drawn.points[run, key] = _points(drawn, 60)
                    _log(drawn.points[run, key], "acc", {"split": split, "host": host})
            drawn.points[run, "any-order"] = _log_in_any_order(drawn)


def _log_in_any_order(drawn: Drawn) -> Points:
    """Steps come as they please, some twice: the last value of each counts."""
    last: dict[int, tuple[float, int]] = {}
    for _ in range(3):
        steps = drawn.rng.permutation(200)[:90]
        values, times = drawn.rng.standard_normal(90), EPOCH + drawn.rng.integers(0, 999, 90)
        metrana.log_distributed("any-order", values, step=steps, timestamp=times)
        last |= dict(zip(steps.tolist(), zip(values, times, strict=True), strict=True))
    ordered = sorted(last)
    kept = [last[step] for step in ordered]
    return Points(np.array(ordered), *(np.array(column) for column in zip(*kept, strict=True)))


def _log_forks(drawn: Drawn) -> None:
    with drawn.run("forks", "root"):
        for name in ("loss", "only-root"):
            drawn.points["root", name] = _points(drawn, 300)
            _log(drawn.points["root", name], name)
    for run, parent in (("child", "root"), ("grandchild", "child")):
        steps = drawn.points[parent, "loss"].steps
        at = int(drawn.chance.choice(steps[20:-20])) + (run == "grandchild")
        drawn.forks[run] = (parent, at)
        with drawn.run("forks", run, fork_from_run=parent, fork_at_step=at):
            for name in ("loss", f"only-{run}"):
                drawn.points[run, name] = _points(drawn, 200, at + 1 + int(drawn.rng.integers(9)))
                _log(drawn.points[run, name], name)


ENVIRONMENTS = [f"env-{i}" for i in range(7)]
RL_STEPS = 9


def _log_environments(drawn: Drawn) -> None:
    for i in range(len(ENVIRONMENTS)):
        attributes = {
            "kind": drawn.chance.choice("abc"), "size": drawn.chance.randrange(4),
            "gain": drawn.chance.choice([0.25, 0.5, 1.5]), "fast": drawn.chance.random() < 0.5,
        }  # fmt: skip
        if i > 0 and drawn.chance.random() < 0.4:
            del attributes[drawn.chance.choice(sorted(attributes))]
        drawn.attributes.append(attributes)
    with drawn.run("rl", "run"):
        for i, attributes in enumerate(drawn.attributes):
            metrana.log_env_attributes(ENVIRONMENTS[i], attributes)
            for episode in range(0, 40, 3):
                if i % 2:
                    phase = drawn.chance.choice(["early", "late"])
                    drawn.of_episodes[i, episode] = phase
                    metrana.log_env_attributes(ENVIRONMENTS[i], {"phase": phase}, episode=episode)
        drawn.reward, drawn.returns = _log_rollouts(drawn, 0, 0)
    with drawn.run("rl", "fork", fork_from_run="run", fork_at_step=drawn.rl_fork):
        drawn.reward_of_fork, _ = _log_rollouts(drawn, drawn.rl_fork + 1, 1000)


def _log_rollouts(drawn: Drawn, first: int, episode: int) -> tuple[RLPoints, RLPoints]:
    """Env steps and the returns of episodes; not every environment is in every rollout."""
    rewards, returns = [_no_rl_points()], [_no_rl_points()]
    minors: dict[tuple[int, int], int] = {}
    episodes = np.full(len(ENVIRONMENTS), episode)
    for rl_step in range(first, first + RL_STEPS):
        chosen = [i for i in range(len(ENVIRONMENTS)) if drawn.chance.random() < 0.8] or [0]
        n = int(drawn.rng.integers(1, 40))
        ends = drawn.rng.random((len(chosen), n)) < 0.07
        of = episodes[chosen][:, None] + np.cumsum(ends, axis=1)
        values = np.stack([_values(drawn, n) for _ in chosen])
        times = EPOCH + 1000 * rl_step + np.cumsum(drawn.rng.integers(0, 9, (len(chosen), n)), 1)
        names = [ENVIRONMENTS[i] for i in chosen]
        metrana.log_rl_environment_step(
            "reward", values, rl_step, env_id=names, episode=of, timestamp=times
        )
        for k, i in enumerate(chosen):
            within = []
            for episode in of[k].tolist():
                within.append(minors.get((i, episode), 0))
                minors[i, episode] = within[-1] + 1
            same = np.full(n, i), np.full(n, rl_step)
            rewards.append(RLPoints(*same, of[k], np.array(within), values[k], times[k]))
            over = np.arange(episodes[i], of[k, -1])
            if len(over):
                totals = _values(drawn, len(over))
                metrana.log_rl_episode(
                    "return", totals, rl_step, int(over[0]), ENVIRONMENTS[i], timestamp=EPOCH
                )
                same = np.full(len(over), i), np.full(len(over), rl_step)
                stamps = np.full(len(over), EPOCH)
                returns.append(RLPoints(*same, over, over, totals, stamps))
            episodes[i] = of[k, -1]
    return _all(rewards), _all(returns)


def _all(parts: Sequence[RLPoints]) -> RLPoints:
    columns = zip(*(dataclasses.astuple(part) for part in parts), strict=True)
    return RLPoints(*(np.concatenate(column) for column in columns))


WORDS = ["ada", "bob", 'qu"ote', "ada bob", "", "Ünï"]
FIELDS: dict[str, Callable[[random.Random], Any]] = {
    "int": lambda chance: chance.randrange(-3, 4),
    "float": lambda chance: chance.choice([-1.5, 0.0, 1e-5, 2.0, 3.25, 1e12]),
    "bool": lambda chance: chance.random() < 0.5,
    "text": lambda chance: chance.choice(WORDS),
    "moment": lambda chance: (
        dt.datetime(2024, 1, 1, tzinfo=dt.timezone.utc)
        + dt.timedelta(milliseconds=chance.randrange(5))
    ),
}
TAGS = ["red", "green", "blue", "gre"]
LISTED = 24


def _log_listed(drawn: Drawn) -> None:
    for i in range(LISTED):
        name = f"run-{i}"
        config = {
            f"config/{field}": draw(drawn.chance)
            for field, draw in FIELDS.items()
            if drawn.chance.random() < 0.75
        }
        config["sys/tags"] = drawn.chance.sample(TAGS, drawn.chance.randrange(1, 4))
        drawn.listed[name] = config
        own = {path.removeprefix("config/"): v for path, v in config.items() if path != "sys/tags"}
        with drawn.run("listing", name, config=own, tags=config["sys/tags"]):
            if drawn.chance.random() < 0.7:
                drawn.scores[name] = _values(drawn, int(drawn.rng.integers(1, 9)))
                metrana.log("score", drawn.scores[name])


# What NumPy makes of it


def _finite(values: Floats) -> Floats:
    return values[np.isfinite(values)]


def _near(found: float, want: float, of: Floats, what: object) -> None:
    """Equal but for the order in which these numbers were added up."""
    scale = max(abs(want), float(np.abs(of).sum()) if len(of) else 0.0)
    assert abs(found - want) <= EXACT * scale, f"{what}: {found!r} is not {want!r}"


def _check_axis(axis: Axis, xs: Sequence[Ints], count: int, what: object) -> None:
    first, last = min(x.min() for x in xs), max(x.max() for x in xs)
    span = int(last - first) + 1
    assert (axis.first, axis.last) == (first, last), what
    assert axis.count == min(count, span), what
    assert axis.width == (1.0 if span <= count else span / count), what


def _places(axis: Axis, xs: Ints) -> Ints:
    starts = axis.first + np.floor(np.arange(axis.count) * axis.width).astype(np.int64)
    return np.asarray(np.searchsorted(starts, xs, side="right") - 1)


def _check_buckets(
    found: SeriesBuckets, axis: Axis, xs: Ints, values: Floats, lasts: dict[str, Ints], what: object
) -> None:
    """One series; `lasts` are columns of which a bucket has that of its last finite point."""
    place, finite = _places(axis, xs), np.isfinite(values)
    wanted = np.unique(place[finite])
    np.testing.assert_array_equal(found.indexes, wanted, str(what))
    assert set(found.others) == (set(lasts) if len(wanted) else set()), what
    for k, i in enumerate(wanted):
        inside = finite & (place == i)
        part = values[inside]
        assert (found.counts[k], found.mins[k], found.maxs[k]) == (
            len(part), part.min(), part.max(),
        ), what  # fmt: skip
        _near(found.means[k], part.mean(), part / len(part), what)
        for name, column in lasts.items():
            assert found.others[name][k] == column[inside][-1], (what, name)
    for wrong, listed in (
        (np.isnan(values), found.with_nans),
        (np.isposinf(values), found.with_infs),
        (np.isneginf(values), found.with_neg_infs),
    ):
        np.testing.assert_array_equal(listed, np.unique(place[wrong]), str(what))


def _some(drawn: Drawn, names: Sequence[str]) -> list[str]:
    return drawn.chance.sample(names, drawn.chance.randint(1, len(names)))


def _buckets_count(drawn: Drawn) -> int:
    return drawn.chance.choice([1, 2, 7, 100, 1000, 5000, drawn.chance.randint(1, 5000)])


def _steps(drawn: Drawn, last: int) -> tuple[Steps | None, Callable[[Points], Points]]:
    """A choice of steps, and what it leaves of points."""
    a, b = sorted(drawn.chance.randrange(last + 2) for _ in range(2))
    n = drawn.chance.choice([1, 3, 50, last])
    return drawn.chance.choice(
        [
            (None, lambda p: p),
            (Steps(first=a), lambda p: p.where(p.steps >= a)),
            (Steps(last=b), lambda p: p.where(p.steps <= b)),
            (Steps(first=a, last=b), lambda p: p.where((p.steps >= a) & (p.steps <= b))),
            (Steps(from_the_beginning=n), lambda p: p.where(np.arange(len(p.steps)) < n)),
            (Steps(from_the_end=n), lambda p: p.where(np.arange(len(p.steps))[::-1] < n)),
        ]
    )


SERIES = ("long", "short", "one", "nothing", "acc", "any-order")


def _asked(drawn: Drawn) -> tuple[list[str], list[str], dict[tuple[str, str], Points]]:
    """Runs and series at random, and their points."""
    runs = _some(drawn, ["run-0", "run-1", "run-2"])
    names = _some(drawn, SERIES)
    chosen = {
        (run, key): points
        for (run, key), points in drawn.points.items()
        if run in runs and key.split("(")[0] in names
    }
    return runs, [f"{name}()" for name in names], chosen


def _by_series(found: Buckets) -> dict[tuple[str, str], SeriesBuckets]:
    return {(one.run, one.series.key): one for one in found.series}


# Buckets


def _in_pages_of(client: QueryClient, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = client._reader.pages
    monkeypatch.setattr(
        client._reader,
        "pages",
        lambda method, request: whole(method, request | {"max_buckets_per_page": n}),
    )


def test_buckets_along_steps(drawn: Drawn, monkeypatch: pytest.MonkeyPatch) -> None:
    with drawn.client("points") as client:
        for ask in range(25):
            if ask == 20:
                _in_pages_of(client, 37, monkeypatch)
            runs, queries, chosen = _asked(drawn)
            steps, left = _steps(drawn, int(max(p.steps[-1] for p in chosen.values())))
            count = _buckets_count(drawn)
            what = (drawn.seed, runs, queries, count, steps)
            found = client.fetch_float_series_buckets(
                runs, queries, buckets_count=count, steps=steps
            )
            want = {key: part for key, p in chosen.items() if len((part := left(p)).steps)}
            one_by_one = _by_series(found)
            assert set(one_by_one) == set(want), what
            if want:
                _check_axis(found.axis, [p.steps for p in want.values()], count, what)
            for key, p in want.items():
                lasts = {"last_timestamp_millis": p.times}
                _check_buckets(one_by_one[key], found.axis, p.steps, p.values, lasts, what)


@pytest.mark.parametrize("axis", ["time", "relative_time"])
def test_buckets_along_time(drawn: Drawn, axis: Any) -> None:
    with drawn.client("points") as client:
        table = client.fetch_runs(attribute_paths=["sys/creation_time"])
        created = {
            row["name"]: row["sys/creation_time"].value // 1_000_000
            for row in table.to_dict("records")
        }
        for _ in range(10):
            runs, queries, chosen = _asked(drawn)
            count = _buckets_count(drawn)
            moved = {}
            for (run, key), p in chosen.items():
                by_time = p.where(np.argsort(p.times, kind="stable"))
                begin = created[run] if axis == "relative_time" else 0
                moved[run, key] = dataclasses.replace(by_time, times=by_time.times - begin)
            a, b = sorted(drawn.chance.choice(list(moved.values())).times[[0, -1]].tolist())
            times = drawn.chance.choice([None, (a, b), (a + 10, None), (None, b - 10)])
            low, high = times or (None, None)
            want = {}
            for one, p in moved.items():
                within = (p.times >= (-math.inf if low is None else low)) & (
                    p.times <= (math.inf if high is None else high)
                )
                if within.any():
                    want[one] = p.where(within)
            what = (drawn.seed, axis, runs, queries, count, times)
            found = client.fetch_float_series_buckets(
                runs, queries, axis=axis, buckets_count=count, times=times
            )
            one_by_one = _by_series(found)
            assert set(one_by_one) == set(want), what
            if want:
                _check_axis(found.axis, [p.times for p in want.values()], count, what)
            for one, p in want.items():
                lasts = {"last_timestamp_millis": p.times, "last_steps": p.steps}
                _check_buckets(one_by_one[one], found.axis, p.times, p.values, lasts, what)


# Summaries


EXACT_FUNCTIONS = ("first", "last", "count", "min", "max")
FUNCTIONS = ("first", "last", "min", "max", "sum", "count", "avg", "std")


def _check_functions(found: Any, values: Floats, what: object) -> None:
    """The functions of one series; those that are not there are None or NaN."""
    finite = _finite(values)
    assert found["count"] == len(finite), what
    np.testing.assert_array_equal([found["first"], found["last"]], values[[0, -1]], str(what))
    if not len(finite):
        assert all(pd.isna(found[name]) for name in ("min", "max", "sum", "avg", "std")), what
        return
    assert (found["min"], found["max"]) == (finite.min(), finite.max()), what
    _near(found["sum"], finite.sum(), finite, what)
    _near(found["avg"], finite.mean(), finite / len(finite), what)
    _near(found["std"], finite.std(), finite / len(finite), what)


def test_summaries(drawn: Drawn) -> None:
    runs = ["run-0", "run-1", "run-2"]
    with drawn.client("points") as client:
        queries = [f"{name}():{','.join(FUNCTIONS)}" for name in SERIES]
        table = client.fetch_series_summaries(runs, queries)
        columns = [SeriesFilter("long").column(name) for name in FUNCTIONS]
        listed = client.fetch_runs(series_summaries=columns)
        across = [SeriesFilter("acc").column(name) for name in FUNCTIONS[2:]]
        together = client.fetch_runs(series_summaries=across)
    rows = table.to_dict("records")
    kept = {key for key in drawn.points if key[0] in runs}
    assert {(row["run"], row["series"]) for row in rows} == kept
    for row in rows:
        p = drawn.points[row["run"], row["series"]]
        what = (drawn.seed, row["run"], row["series"])
        _check_functions(row, p.values, what)
        assert row["last_step"] == p.steps[-1], what
        assert row["last_timestamp"].timestamp() == p.times[-1] / 1000, what
    for row in listed.to_dict("records"):
        values = {name: row[str(column)] for name, column in zip(FUNCTIONS, columns, strict=True)}
        _check_functions(values, drawn.points[row["name"], "long"].values, (drawn.seed, row))
    for row in together.to_dict("records"):
        all_values = np.concatenate(
            [
                p.values
                for key, p in drawn.points.items()
                if key[0] == row["name"] and "acc(" in key[1]
            ]
        )
        values = {
            name: row[str(column)] for name, column in zip(FUNCTIONS[2:], across, strict=True)
        }
        values |= {"first": all_values[0], "last": all_values[-1]}  # of several there is none
        _check_functions(values, all_values, (drawn.seed, row))


# Reinforcement learning


def _mean_at(points: RLPoints, edge: int) -> float:
    """Of what each environment has first, or last, those that are not finite left out."""
    edges = np.array([points.values[points.envs == env][edge] for env in np.unique(points.envs)])
    return float(_finite(edges).mean()) if len(_finite(edges)) else math.nan


def test_summaries_over_environments(drawn: Drawn) -> None:
    returns, rewards = (
        SeriesFilter("return", scale="EPISODE"),
        SeriesFilter("reward", scale="ENVIRONMENT_STEP"),
    )
    with drawn.client("rl") as client:
        for series, run, logged in (
            (returns, "run", drawn.returns),
            (rewards, "run", drawn.reward),
            (rewards, "fork", drawn.reward_of_fork),
        ):
            what, values = (drawn.seed, run, str(series)), logged.values
            columns = [series.column(function) for function in FUNCTIONS]
            row = client.fetch_runs(series_summaries=columns).set_index("name").loc[run]
            found = {
                name: row[str(column)] for name, column in zip(FUNCTIONS, columns, strict=True)
            }
            for function, edge in (("first", 0), ("last", -1)):
                want = _mean_at(logged, edge)
                np.testing.assert_allclose(found[function], want, 1e-12, 1e-9, err_msg=str(what))
            _check_functions(found | {"first": values[0], "last": values[-1]}, values, what)
            query = f"{series}:{','.join(FUNCTIONS)}"
            (summed,) = client.fetch_series_summaries([run], query).to_dict("records")
            ends = [np.flatnonzero(logged.envs == env)[-1] for env in np.unique(logged.envs)]
            highest = logged.rl_steps[ends].max()
            times = [logged.times[end] for end in ends if logged.rl_steps[end] == highest]
            assert summed["last_step"] == highest, what
            assert summed["last_timestamp"].timestamp() == max(times) / 1000, what
            for function in FUNCTIONS:
                np.testing.assert_equal(summed[function], found[function], err_msg=str(what))
            if math.isfinite(last := found["last"]):
                above = client.fetch_runs(filter=series.last >= last)
                below = client.fetch_runs(filter=series.last < last)
                assert run in list(above["name"]), what
                assert run not in list(below["name"]), what


def _anchor(by: str, at: int) -> dict[str, Any]:
    return {by: at}


def _at_episode(points: RLPoints, env: int, episode: int, latest: Ints) -> RLPoints:
    return points.where((points.envs == env) & (points.episodes == min(episode, latest[env])))


@pytest.mark.parametrize("by", ["episode", "rl_step"])
def test_environments_in_buckets(drawn: Drawn, by: str) -> None:
    latest = np.array(
        [drawn.reward.episodes[drawn.reward.envs == i].max() for i in range(len(ENVIRONMENTS))]
    )
    with drawn.client("rl") as client:
        for _ in range(20):
            envs = [ENVIRONMENTS.index(name) for name in _some(drawn, ENVIRONMENTS)]
            name, points = drawn.chance.choice(
                [("reward", drawn.reward), ("return", drawn.returns)]
            )
            scale = "EPISODE" if name == "return" else "ENVIRONMENT_STEP"
            at = drawn.chance.randrange(int(latest.max()) + 1 if by == "episode" else RL_STEPS)
            count = drawn.chance.choice([1, 3, 10, 1000])
            what, anchor = (drawn.seed, name, by, at, envs, count), _anchor(by, at)
            want = {}
            for i in envs:
                if by == "episode":
                    p = _at_episode(points, i, at, latest)
                    xs = p.minors
                else:
                    p = points.where((points.envs == i) & (points.rl_steps == at))
                    xs = np.arange(len(p.values))
                if len(xs):
                    want[ENVIRONMENTS[i]] = (xs, p)
            found = client.fetch_rl_env_float_series_buckets(
                "run", [ENVIRONMENTS[i] for i in envs], SeriesFilter(name, scale=scale),
                buckets_count=count, **anchor,
            )  # fmt: skip
            assert [one.environment for one in found.series] == list(want), what
            if want:
                _check_axis(found.axis, [xs for xs, _ in want.values()], count, what)
            for one in found.series:
                assert one.environment is not None
                xs, p = want[one.environment]
                lasts = {"last_timestamp_millis": p.times}
                if by == "episode":
                    lasts["last_rl_steps"] = p.rl_steps
                else:
                    lasts |= {"episodes": p.episodes, "last_env_steps": p.minors}
                _check_buckets(one, found.axis, xs, p.values, lasts, what)


Environment = dict[str, Any]
Means = Callable[[Environment], bool]


def _environment_filter(chance: random.Random, depth: int) -> tuple[Filter, Means]:
    if depth and chance.random() < 0.5:
        (a, is_a), (b, is_b) = (_environment_filter(chance, depth - 1) for _ in range(2))
        if chance.random() < 0.5:
            return a & b, lambda env: is_a(env) and is_b(env)
        return a | b, lambda env: is_a(env) or is_b(env)
    size, gain, kind = chance.randrange(4), chance.choice([0.25, 0.5, 1.5]), chance.choice("abc")
    reward = SeriesFilter("reward", scale="ENVIRONMENT_STEP")
    number = chance.choice([-1.0, 0.0, 0.5, 20.0])
    choices: list[tuple[Filter, Means]] = [
        (AttrFilter("size") >= size, lambda env: env.get("size", -1) >= size),
        (AttrFilter("gain") < gain, lambda env: env.get("gain", math.inf) < gain),
        (AttrFilter("kind") != kind, lambda env: env.get("kind") != kind),
        (AttrFilter("kind").is_in([kind, "c"]), lambda env: env.get("kind") in {kind, "c"}),
        (AttrFilter("fast") == True, lambda env: env.get("fast", False)),  # noqa: E712
        (AttrFilter("phase") == "late", lambda env: env.get("phase") == "late"),
        (AttrFilter("environment_id") > "env-2", lambda env: env["environment_id"] > "env-2"),
        (reward.max > number, lambda env: bool((_finite(env["rewards"]) > number).any())),
    ]
    return chance.choice(choices)


def _text(value: Any) -> Any:
    """A value as groups name it."""
    return value if value is None or isinstance(value, (bool, str)) else f"{value:g}"


def _phase(drawn: Drawn, env: int, episode: int) -> str | None:
    """What was last logged at an episode up to this one still holds."""
    until = [e for i, e in drawn.of_episodes if i == env and e <= episode]
    return drawn.of_episodes[env, max(until)] if until else None


def _contributions(
    drawn: Drawn, points: RLPoints, along: str, ends: tuple[int | None, int | None]
) -> Iterator[tuple[int, int, Floats, Environment]]:
    """Environment, x, its finite points there, and what it is there."""
    axis = points.rl_steps if along == "rl_step" else points.episodes
    rewards = drawn.reward.rl_steps if along == "rl_step" else drawn.reward.episodes
    for i, attributes in enumerate(drawn.attributes):
        for x in np.unique(axis[points.envs == i]).tolist():
            finite = _finite(points.values[(points.envs == i) & (axis == x)])
            if not len(finite) or x < (ends[0] or 0) or (ends[1] is not None and x > ends[1]):
                continue
            there = (drawn.reward.envs == i) & (rewards == x)
            episode = x if along == "episode" else int(drawn.reward.episodes[there].max())
            yield (
                i,
                x,
                finite,
                attributes
                | {
                    "environment_id": ENVIRONMENTS[i],
                    "rewards": drawn.reward.values[there],
                    "phase": _phase(drawn, i, episode),
                },
            )


@pytest.mark.parametrize("along", ["rl_step", "episode"])
def test_aggregation_over_environments(drawn: Drawn, along: str) -> None:
    with drawn.client("rl") as client:
        for _ in range(25):
            name, points = drawn.chance.choice(
                [("reward", drawn.reward), ("return", drawn.returns)]
            )
            scale = "EPISODE" if name == "return" else "ENVIRONMENT_STEP"
            ends = drawn.chance.choice([(None, None), (2, None), (1, 6), (None, 5)])
            cut: dict[str, Any] = drawn.chance.choice(
                [{}, {"buckets_count": drawn.chance.randint(1, 9)},
                 {"bucket_width": drawn.chance.choice([1, 2, 2.5, 4])}]
            )  # fmt: skip
            chosen, holds = drawn.chance.choice(
                [(None, bool), _environment_filter(drawn.chance, 2)]
            )
            condition, is_so = _environment_filter(drawn.chance, 0)
            grouped: list[tuple[Any, Callable[[Environment], Any]]] = drawn.chance.choice(
                [
                    [],
                    [(AttrFilter("kind"), lambda env: env.get("kind"))],
                    [
                        (AttrFilter("size"), lambda env: _text(env.get("size"))),
                        (condition, is_so),
                    ],
                    [
                        (AttrFilter("gain"), lambda env: _text(env.get("gain"))),
                        (AttrFilter("fast"), lambda env: env.get("fast")),
                        (AttrFilter("phase"), lambda env: env.get("phase")),
                    ],
                ]
            )
            groupings = [grouping for grouping, _ in grouped]
            what = (drawn.seed, name, along, ends, cut, chosen, groupings)
            table = client.aggregate_rl_env_series(
                "run", SeriesFilter(name, scale=scale), aggregations=AGGREGATIONS,
                filter=chosen, groupings=groupings, **({f"{along}s": ends} | cut),
            )  # fmt: skip
            there = list(_contributions(drawn, points, along, ends))
            axis = _aggregation_axis([x for _, x, _, _ in there], ends, cut)
            want: dict[Any, dict[int, list[Floats]]] = {}
            for i, x, finite, env in there:
                if holds(env):
                    begin = axis.first + int(_places(axis, np.array([x]))[0] * axis.width)
                    key = (*(of(env) for _, of in grouped), begin)
                    want.setdefault(key, {}).setdefault(i, []).append(finite)
            rows = {
                (*(None if pd.isna(row[str(g)]) else row[str(g)] for g in groupings), row["x"]): row
                for row in table.to_dict("records")
            }
            assert len(rows) == len(table), what
            assert set(rows) == set(want), what
            for key, parts in want.items():
                means = np.array([np.concatenate(part).mean() for part in parts.values()])
                sizes = np.concatenate([np.abs(np.concatenate(p)) for p in parts.values()])
                assert rows[key]["count"] == len(means), (what, key)
                for aggregation, function in REDUCERS.items():
                    _near(rows[key][aggregation], function(means), sizes, (what, key, aggregation))


def _aggregation_axis(
    xs: Sequence[int], ends: tuple[int | None, int | None], cut: dict[str, Any]
) -> Axis:
    first, last = min(xs), max(xs)
    if "bucket_width" in cut:
        first = ends[0] or first
        width = float(cut["bucket_width"])
        return Axis(first, last, width, int((last - first) / width + 1))
    span, count = last - first + 1, cut.get("buckets_count", 1000)
    return Axis(first, last, max(1.0, span / count), min(span, count))


# Aggregation over runs and labels


def _reduced(parts: Sequence[Points], reducer: str) -> Points:
    """At each step the reducer over what is finite, NaN where nothing is; the latest time."""
    steps = np.unique(np.concatenate([p.steps for p in parts]))
    values, times = np.empty(len(steps)), np.empty(len(steps), np.int64)
    for k, step in enumerate(steps):
        here = [p.where(p.steps == step) for p in parts]
        finite = _finite(np.concatenate([p.values for p in here]))
        values[k] = REDUCERS[reducer](finite) if len(finite) else np.nan
        times[k] = max(p.times.max() for p in here if len(p.times))
    return Points(steps, values, times)


def _grouped_by(points: dict[str, Points], keys: Sequence[str]) -> dict[str, list[Points]]:
    """The members by what their labels have in common, as series are named."""
    groups: dict[str, list[Points]] = {}
    for key, p in points.items():
        labels = [pair for pair in key[4:-1].split(", ") if pair.split("=")[0] in keys]
        groups.setdefault(f"acc({', '.join(labels)})" if labels else "acc", []).append(p)
    return groups


@pytest.mark.parametrize("reducer", ["avg", "min", "max", "std"])
@pytest.mark.parametrize("way", ["group_by", "aggregate"])
def test_reduction_over_labels(drawn: Drawn, way: str, reducer: str) -> None:
    with drawn.client("points") as client:
        for keys in ([], ["split"], ["host"], ["host", "split"], ["missing"]):
            query = SeriesFilter("acc", reducer=reducer, **{way: keys})  # type: ignore[arg-type]
            what = (drawn.seed, str(query))
            accuracy = {
                key: p for (run, key), p in drawn.points.items() if run == "run-1" and "acc(" in key
            }
            want = {
                name: _reduced(parts, reducer)
                for name, parts in _grouped_by(accuracy, keys).items()
            }
            size = np.concatenate([_finite(p.values) for p in accuracy.values()])
            found = client.fetch_float_series("run-1", query, include_timestamps=True)
            assert {one.series.key for one in found} == set(want), what
            for one in found:
                p = want[one.series.key]
                np.testing.assert_array_equal(one.steps, p.steps, str(what))
                assert one.timestamps is not None
                np.testing.assert_array_equal(one.timestamps, p.times, str(what))
                np.testing.assert_allclose(
                    one.values,
                    p.values,
                    rtol=EXACT,
                    atol=EXACT * np.abs(size).max(),
                    err_msg=str(what),
                )
            count = drawn.chance.choice([1, 9, 1000])
            buckets = client.fetch_float_series_buckets("run-1", query, buckets_count=count)
            for bucket_series in buckets.series:
                p = want[bucket_series.series.key]
                place = _places(buckets.axis, p.steps)
                for k, i in enumerate(bucket_series.indexes):
                    part = _finite(p.values[place == i])
                    assert bucket_series.counts[k] == len(part), what
                    _near(bucket_series.means[k], part.mean(), size, what)
                    _near(bucket_series.mins[k], part.min(), size, what)
                    _near(bucket_series.maxs[k], part.max(), size, what)
                    last = p.times[(place == i) & np.isfinite(p.values)][-1]
                    assert bucket_series.others["last_timestamp_millis"][k] == last, what
                np.testing.assert_array_equal(
                    bucket_series.with_nans, np.unique(place[np.isnan(p.values)]), str(what)
                )


def _parts_of_runs(
    groups: dict[str, list[str]], chosen: dict[tuple[str, str], Points], count: int
) -> dict[tuple[str, str, int], list[Floats]]:
    """The finite points of each run by group, series and begin of the bucket."""
    if not chosen:
        return {}
    first = min(int(p.steps[0]) for p in chosen.values())
    last = max(int(p.steps[-1]) for p in chosen.values())
    axis = _aggregation_axis([first, last], (None, None), {"buckets_count": count})
    found: dict[tuple[str, str, int], list[Floats]] = {}
    for group, runs in groups.items():
        for (run, key), p in chosen.items():
            place = _places(axis, p.steps)
            for i in np.unique(place[np.isfinite(p.values)]).tolist():
                if run in runs:
                    x = axis.first + math.floor(i * axis.width)
                    found.setdefault((group, key, x), []).append(_finite(p.values[place == i]))
    return found


def test_aggregation_over_runs(drawn: Drawn) -> None:
    with drawn.client("points") as client:
        for _ in range(12):
            groups = {
                name: _some(drawn, ["run-0", "run-1", "run-2"])
                for name in _some(drawn, ["one", "other"])
            }
            names = _some(drawn, SERIES)
            steps, left = _steps(drawn, 300)
            count = drawn.chance.choice([1, 7, 60])
            what = (drawn.seed, groups, names, count, steps)
            table = client.aggregate_run_series(
                groups, [f"{name}()" for name in names],
                aggregations=AGGREGATIONS, buckets_count=count, steps=steps,
            )  # fmt: skip
            asked = {run for runs in groups.values() for run in runs}
            chosen = {
                key: part
                for key, p in drawn.points.items()
                if key[0] in asked
                and key[1].split("(")[0] in names
                and len((part := left(p)).steps)
            }
            want = _parts_of_runs(groups, chosen, count)
            rows = {
                (row["group"], row["series"], row["x"]): row for row in table.to_dict("records")
            }
            assert set(rows) == set(want), what
            for place_of, parts in want.items():
                row = rows[place_of]
                assert row["count"] == len(parts), (what, place_of)
                size = np.concatenate(parts)
                for name, function in REDUCERS.items():
                    for column, of in (
                        (name, np.mean),
                        (f"{name}_min", np.min),
                        (f"{name}_max", np.max),
                    ):
                        reduced = function(np.array([of(part) for part in parts]))
                        _near(row[column], reduced, size, (what, place_of, column))


# Forks


def _inherited(drawn: Drawn, run: str) -> dict[str, Points]:
    own = {key: p for (of, key), p in drawn.points.items() if of == run}
    if run not in drawn.forks:
        return own
    parent, at = drawn.forks[run]
    whole = {}
    for key, p in _inherited(drawn, parent).items():
        before = p.where(p.steps <= at)
        whole[key] = before.then(own.pop(key)) if key in own else before
    return {key: p for key, p in (whole | own).items() if len(p.steps)}


def test_forked_runs_have_their_parents_points(drawn: Drawn) -> None:
    names = ["loss", "only-root", "only-child", "only-grandchild"]
    queries = [SeriesFilter(name) for name in names]
    with drawn.client("forks") as client:
        for run in ("root", "child", "grandchild"):
            want, what = _inherited(drawn, run), (drawn.seed, run, drawn.forks)
            found = client.fetch_float_series(
                run, queries, include_inherited=True, include_timestamps=True
            )
            assert {one.series.key for one in found} == set(want), what
            for one in found:
                p = want[one.series.key]
                np.testing.assert_array_equal(one.steps, p.steps, str(what))
                np.testing.assert_array_equal(one.values, p.values, str(what))
                assert one.timestamps is not None
                np.testing.assert_array_equal(one.timestamps, p.times, str(what))
            own = client.fetch_float_series(run, "loss()")
            np.testing.assert_array_equal(own[0].values, drawn.points[run, "loss"].values)
            count = _buckets_count(drawn)
            buckets = client.fetch_float_series_buckets(
                run, queries, buckets_count=count, include_inherited=True
            )
            _check_axis(buckets.axis, [p.steps for p in want.values()], count, what)
            for series in buckets.series:
                p = want[series.series.key]
                _check_buckets(
                    series,
                    buckets.axis,
                    p.steps,
                    p.values,
                    {"last_timestamp_millis": p.times},
                    what,
                )


@pytest.mark.parametrize("by", ["episode", "rl_step"])
def test_forked_runs_have_their_parents_environments(drawn: Drawn, by: str) -> None:
    inherited = drawn.reward.where(drawn.reward.rl_steps <= drawn.rl_fork)
    whole = _all([inherited, drawn.reward_of_fork])
    axis = whole.episodes if by == "episode" else whole.rl_steps
    reward = SeriesFilter("reward", scale="ENVIRONMENT_STEP")
    with drawn.client("rl") as client:
        for at in np.unique(axis).tolist():
            for i in np.unique(drawn.reward_of_fork.envs).tolist():
                p = whole.where((whole.envs == i) & (axis == at))
                if not len(p.values):
                    continue
                xs = p.minors if by == "episode" else np.arange(len(p.values))
                what = (drawn.seed, by, at, i)
                found = client.fetch_rl_env_float_series_buckets(
                    "fork", ENVIRONMENTS[i], reward, include_inherited=True, **_anchor(by, at)
                )
                _check_axis(found.axis, [xs], 1000, what)
                lasts = {"last_timestamp_millis": p.times}
                if by == "episode":
                    lasts["last_rl_steps"] = p.rl_steps
                else:
                    lasts |= {"episodes": p.episodes, "last_env_steps": p.minors}
                _check_buckets(found.series[0], found.axis, xs, p.values, lasts, what)


# Listings


Run = dict[str, Any]
Condition = tuple[Filter, Callable[[Run], bool]]
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt,
    "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def _compared(column: Any, sign: str, value: Any) -> Filter:
    return COMPARED[sign](column, value)  # type: ignore[return-value] # builds a filter


def _holds(run: Run, path: str, sign: str, value: Any) -> bool:
    """What is missing is unequal to everything, and neither less nor more."""
    return COMPARED[sign](run[path], value) if path in run else sign == "!="


def _of_attributes(chance: random.Random) -> Condition:
    field = chance.choice(sorted(FIELDS))
    path, draw = f"config/{field}", FIELDS[field]
    attribute, value, sign = AttrFilter(path), draw(chance), chance.choice(sorted(COMPARED))
    several = [draw(chance) for _ in range(chance.randint(1, 3))]
    return chance.choice(
        [
            (_compared(attribute, sign, value), lambda run: _holds(run, path, sign, value)),
            (attribute.is_in(several), lambda run: path in run and run[path] in several),
            (attribute.not_in(several), lambda run: path not in run or run[path] not in several),
            (attribute.exists(), lambda run: path in run),
        ]
    )


def _of_texts(chance: random.Random) -> Condition:
    text, regex = AttrFilter("config/text"), chance.choice(["^a", "b$", "[oü]", '"', "^$"])
    part = chance.choice(["a", "ob", '"', "", "ï"])
    tags, some = AttrFilter("sys/tags"), chance.sample(TAGS, chance.randint(1, 2))
    return chance.choice(
        [
            (
                text.matches(regex),
                lambda run: "config/text" in run and bool(re.search(regex, run["config/text"])),
            ),
            (text.contains(part), lambda run: "config/text" in run and part in run["config/text"]),
            (tags.contains(some[0]), lambda run: some[0] in run["sys/tags"]),
            (tags.contains_any(some), lambda run: bool({*some} & {*run["sys/tags"]})),
            (tags.contains_all(some), lambda run: {*some} <= {*run["sys/tags"]}),
            (tags.matches(regex), lambda run: any(re.search(regex, t) for t in run["sys/tags"])),
        ]
    )


def _functions(values: Floats | None) -> dict[str, Any]:
    """Of a series; what is not there has no value."""
    if values is None:
        return {}
    finite = _finite(values)
    edges = {"first": values[0], "last": values[-1], "count": len(finite)}
    return edges | ({"min": finite.min(), "max": finite.max()} if len(finite) else {})


def _of_series(drawn: Drawn) -> Condition:
    function, sign = drawn.chance.choice(EXACT_FUNCTIONS), drawn.chance.choice(sorted(COMPARED))
    known = [of[function] for v in drawn.scores.values() if function in (of := _functions(v))]
    value = drawn.chance.choice([*(float(v) for v in known if np.isfinite(v)), 0.0])
    score = SeriesFilter("score")

    def holds(run: Run) -> bool:
        of = _functions(run["score"])
        return function in of and bool(COMPARED[sign](of[function], value))

    return drawn.chance.choice(
        [
            (_compared(score.column(function), sign, value), holds),
            (score.exists(), lambda run: run["score"] is not None),
        ]
    )


def _condition(drawn: Drawn, depth: int) -> Condition:
    if depth and drawn.chance.random() < 0.6:
        (a, is_a), (b, is_b) = (_condition(drawn, depth - 1) for _ in range(2))
        if drawn.chance.random() < 0.5:
            return a & b, lambda run: is_a(run) and is_b(run)
        return a | b, lambda run: is_a(run) or is_b(run)
    kind = drawn.chance.choice(["attributes", "texts", "series"])
    if kind == "series":
        return _of_series(drawn)
    return _of_attributes(drawn.chance) if kind == "attributes" else _of_texts(drawn.chance)


def _ordering(drawn: Drawn) -> tuple[Any, Callable[[Run], Any]]:
    """What can be ordered by, and its value of a run; None: it is missing."""
    if drawn.chance.random() < 0.4:
        function = drawn.chance.choice(["count", "min", "max"])
        return SeriesFilter("score").column(function), lambda run: _functions(run["score"]).get(
            function
        )
    path = f"config/{drawn.chance.choice(sorted(FIELDS))}"
    return AttrFilter(path), lambda run: run.get(path)


def test_listings(drawn: Drawn) -> None:
    runs = {
        name: config | {"score": drawn.scores.get(name)} for name, config in drawn.listed.items()
    }
    paths = [f"config/{field}" for field in FIELDS]
    with drawn.client("listing") as client:
        for _ in range(120):
            chosen, holds = _condition(drawn, 3)
            by, key = _ordering(drawn)
            descending = drawn.chance.random() < 0.5
            order = by.desc() if descending else by.asc()
            what = (drawn.seed, str(chosen), str(order))
            found = client.fetch_runs(filter=chosen, order_by=order, attribute_paths=paths)
            names = list(found["name"])
            want = [name for name, run in runs.items() if holds(run)]
            assert sorted(names) == sorted(want), what
            keys = [key(runs[name]) for name in names]
            there = [one for one in keys if one is not None]
            assert keys == sorted(there, reverse=descending) + [None] * (len(keys) - len(there)), (
                what
            )
            for row in found.to_dict("records"):
                for path in paths:
                    value, logged = row[path], runs[row["name"]].get(path)
                    assert pd.isna(value) if logged is None else value == logged, (what, path)
            if names:
                _check_paging(
                    client, chosen, order, names, drawn.chance.randint(1, len(names)), what
                )


def _check_paging(
    client: QueryClient, chosen: Filter, order: Any, names: list[str], n: int, what: object
) -> None:
    request = client._in_project() | {"filter": str(chosen), "order_by": str(order)}
    paged = []
    for offset in range(0, len(names), n):
        (page,) = client._reader.pages("ListRuns", request | {"offset": offset}, n)
        assert page["total_count"] == len(names), what
        paged += [run["name"] for run in page["runs"]]
    assert paged == names, what
