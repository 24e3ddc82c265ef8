"""Statistics of groups as calls of QueryClient, against NumPy and SciPy on what was logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess
from metrana.errors import MetranaQueryConfigError, MetranaQueryRpcError
from metrana.query import GroupMember, Normalisation, QueryClient, SeriesFilter

stats = pytest.importorskip("scipy.stats")

RUNS = 4
ENVS = ["env-0", "env-1", "env-2"]
EPISODES = 60
# Of [run, environment, episode]; the environments' scales are far apart.
RETURNS = np.random.default_rng(9).normal(size=(RUNS, len(ENVS), EPISODES)) * np.array(
    [[[1.0], [10.0], [1000.0]]]
)
RETURN = SeriesFilter("return", scale="EPISODE")
SEEDS = [f"seed-{run}" for run in range(RUNS)]
TASKS = {"env-0": "reach", "env-1": "walk", "env-2": "walk"}
ROBOTS = ["arm", "arm", "dog", "dog"]


@pytest.fixture
def client(server: ServerProcess, begin: Callable[..., metrana.OpenRun]) -> Iterator[QueryClient]:
    for run, name in enumerate(SEEDS):
        with begin(run_name=name) as opened:
            opened.log_config({"robot": ROBOTS[run]})
            for env_id, task in TASKS.items():
                opened.log_env_attributes(env_id, {"task": task})
            for rl_step in range(6):
                first = rl_step * 10
                part = RETURNS[run, :, first : first + 10]
                for metric, values in {"return": part, "doubled": 2 * part}.items():
                    opened.log_rl_episode(
                        metric, values, rl_step=rl_step, env_id=ENVS, episode=first
                    )
    with QueryClient(workspace_name="ws", project_name="p", query_url=server.url) as connected:
        yield connected


def assert_equal(found: Any, wanted: Any) -> None:
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def scaled(values: NDArray[Any], axis: Any = None) -> NDArray[Any]:
    low, high = (of(values, axis=axis, keepdims=True) for of in (np.min, np.max))
    scaled: NDArray[Any] = (values - low) / (high - low)
    return scaled


def test_runs_on_one_scale(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode", estimators=["mean", "iqm", "sem"],
        percentiles=[10, 90], normalisation=Normalisation(),
    )  # fmt: skip
    runs = RETURNS.mean(axis=1)  # a sample is a run: the mean of its environments
    samples = scaled(runs)
    (group,) = found.groups
    assert np.array_equal(found.grid, np.arange(EPISODES))
    wanted = {
        "mean": samples.mean(axis=0),
        "iqm": stats.trim_mean(samples, 0.25, axis=0),
        "sem": stats.sem(samples, axis=0),
    }
    for name, values in wanted.items():
        assert_equal(group.estimates[name].values, values)
    for percentile, values in group.percentiles.items():
        assert_equal(values, np.percentile(samples, percentile, axis=0))
    said = found.parameters["normalisation"]
    assert_equal([said["low"], said["high"]], [runs.min(), runs.max()])


def test_a_scale_that_is_given(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode", normalisation=Normalisation(low=-50, high=150)
    )
    wanted = (RETURNS.mean(axis=(0, 1)) + 50) / 200
    assert_equal(found.groups[0].estimates["mean"].values, wanted)
    assert found.parameters["normalisation"] == {"low": -50, "high": 150}


def test_each_environment_on_its_own_scale(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode", unit="environment", estimators=["iqm", "std"],
        normalisation=Normalisation(by_environment=True), include_samples=True,
    )  # fmt: skip
    samples = scaled(RETURNS, axis=(0, 2)).reshape(-1, EPISODES)
    (group,) = found.groups
    assert [(one.run, one.environment) for one in group.sample_curves[2:4]] == [
        ("seed-0", "env-2"),
        ("seed-1", "env-0"),
    ]
    assert_equal([one.values for one in group.sample_curves], samples)
    iqm, std = group.estimates["iqm"].values, group.estimates["std"].values
    assert_equal(iqm, stats.trim_mean(samples, 0.25, axis=0))
    assert_equal(std, samples.std(axis=0, ddof=1))


def test_runs_of_each_robot_on_their_own_scale(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"even": SEEDS[::2], "odd": SEEDS[1::2]}, RETURN, axis="episode",
        normalisation=Normalisation(by_run_attribute="config/robot", scales={"dog": (-20, None)}),
    )  # fmt: skip
    runs = RETURNS.mean(axis=1)
    arms, dogs = runs[:2], runs[2:]
    samples = np.vstack([scaled(arms), (dogs + 20) / (dogs.max() + 20)])
    for group, of in zip(found.groups, (samples[::2], samples[1::2]), strict=True):
        assert_equal(group.estimates["mean"].values, of.mean(axis=0))
    said = found.parameters["normalisation"]["scales"]
    assert [one["of"] for one in said] == ["arm", "dog"]
    assert_equal([one["low"] for one in said], [arms.min(), -20])
    assert_equal([one["high"] for one in said], [arms.max(), dogs.max()])


def test_each_task_on_its_own_scale_before_a_run_is_one(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode", estimators=["iqm"], include_samples=True,
        normalisation=Normalisation(by_environment_attribute="task"),
    )  # fmt: skip
    reach, walk = RETURNS[:, 0], RETURNS[:, 1:].mean(axis=1)
    samples = (scaled(reach) + scaled(walk)) / 2  # each task counts as much as the other
    (group,) = found.groups
    assert [one.run for one in group.sample_curves] == SEEDS
    assert_equal([one.values for one in group.sample_curves], samples)
    assert_equal(group.estimates["iqm"].values, stats.trim_mean(samples, 0.25, axis=0))


def test_means_of_bins_of_each_task(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": "seed-0"}, RETURN, axis="episode", grid_points=7, bin_means=True,
        normalisation=Normalisation(
            by_environment_attribute="task", scales={"reach": (0, 2), "walk": (-10, 1000)}
        ),
    )  # fmt: skip
    middles = (found.grid[1:] + found.grid[:-1]) / 2
    reach, walk = RETURNS[0, 0] / 2, (RETURNS[0, 1:].mean(axis=0) + 10) / 1010
    wanted = stats.binned_statistic(
        np.arange(EPISODES), (reach + walk) / 2, bins=[-1, *middles, EPISODES]
    ).statistic
    assert_equal(found.groups[0].estimates["mean"].values, wanted)


def test_environments_of_each_task_on_their_own_scale(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode", unit="environment", include_samples=True,
        normalisation=Normalisation(by_environment_attribute="task"),
    )  # fmt: skip
    samples = np.stack([scaled(RETURNS[:, 0]), *scaled(RETURNS[:, 1:]).swapaxes(0, 1)], axis=1)
    (group,) = found.groups
    assert_equal([one.values for one in group.sample_curves], samples.reshape(-1, EPISODES))


def test_what_has_no_such_attribute_has_a_scale_of_its_own(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": SEEDS}, RETURN, axis="episode",
        normalisation=Normalisation(by_run_attribute="config/level", scales={"": (0, 4)}),
    )  # fmt: skip
    assert_equal(found.groups[0].estimates["mean"].values, RETURNS.mean(axis=(0, 1)) / 4)
    assert found.parameters["normalisation"]["scales"] == [{"low": 0, "high": 4}]


def test_bin_means(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": "seed-0"}, RETURN, axis="episode", grid_points=7, bin_means=True
    )
    middles = (found.grid[1:] + found.grid[:-1]) / 2
    wanted = stats.binned_statistic(
        np.arange(EPISODES), RETURNS[0].mean(axis=0), bins=[-1, *middles, EPISODES]
    ).statistic
    assert len(found.grid) == 7
    assert_equal(found.groups[0].estimates["mean"].values, wanted)
    assert found.parameters["interpolation"] == "linear between bin means"


def test_members_are_environments_of_runs(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {
            "one run": GroupMember("seed-1", ["env-2", "env-0"]),
            "an environment": [GroupMember(run, "env-1") for run in SEEDS],
            "both": ["seed-2", GroupMember("seed-3", "env-1", "doubled()")],
        },
        RETURN, axis="episode", unit="environment", estimators=["mean", "median"],
    )  # fmt: skip
    samples = {
        "one run": RETURNS[1, [2, 0]],
        "an environment": RETURNS[:, 1],
        "both": np.vstack([RETURNS[2], 2 * RETURNS[3, 1]]),
    }
    assert {group.name: group.samples for group in found.groups} == {
        name: len(of) for name, of in samples.items()
    }
    for group in found.groups:
        of = samples[group.name]
        assert_equal(group.estimates["mean"].values, of.mean(axis=0))
        assert_equal(group.estimates["median"].values, np.median(of, axis=0))


def test_a_run_may_be_a_sample_by_some_of_its_environments(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"some": [GroupMember(run, ["env-0", "env-1"]) for run in SEEDS]}, RETURN, axis="episode"
    )
    (group,) = found.groups
    assert group.samples == RUNS
    wanted = RETURNS[:, :2].mean(axis=(0, 1))
    assert_equal(group.estimates["mean"].values, wanted)


def test_episodes_and_updates_choose_points(client: QueryClient) -> None:
    of_all = {"all": SEEDS}
    late = client.fetch_statistics(of_all, RETURN, axis="episode", episodes=(55, None))
    assert late.grid.tolist() == [55, 56, 57, 58, 59]
    some = client.fetch_statistics(of_all, RETURN, axis="rl_step", rl_steps=(2, 3))
    assert some.grid.tolist() == [2, 3]
    wanted = RETURNS[:, :, 20:40].reshape(RUNS, len(ENVS), 2, 10).mean(axis=(0, 1, 3))
    assert_equal(some.groups[0].estimates["mean"].values, wanted)


def test_what_cannot_be_asked_is_named(client: QueryClient) -> None:
    with pytest.raises(MetranaQueryConfigError, match=r"a member is .* a GroupMember, not 3"):
        client.fetch_statistics({"a": [3]}, RETURN)  # type: ignore[list-item]
    with pytest.raises(MetranaQueryConfigError, match=r"axis must be one of step, .*'steps'"):
        client.fetch_statistics({"a": "seed-0"}, RETURN, axis="steps")  # type: ignore[arg-type]
    with pytest.raises(MetranaQueryRpcError, match="by_environment needs the unit ENVIRONMENT"):
        client.fetch_statistics(
            {"a": "seed-0"}, RETURN, normalisation=Normalisation(by_environment=True)
        )
    with pytest.raises(MetranaQueryRpcError, match="normalisation goes from 2 to 1"):
        client.fetch_statistics({"a": "seed-0"}, RETURN, normalisation=Normalisation(2, 1))
