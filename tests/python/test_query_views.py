"""The views as calls of QueryClient, against NumPy on what was logged."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana.errors import MetranaQueryConfigError, MetranaQueryRpcError
from metrana.query import AttrFilter, QueryClient, SeriesFilter

EXACT = 1e-9
ENVS = ["env-a", "env-b", "env-c"]
EPISODES = 700
LENGTHS = 1 + np.random.default_rng(3).integers(0, 5, (EPISODES, len(ENVS)))
RETURNS = np.random.default_rng(4).normal(size=(EPISODES, len(ENVS)))
LOSS = np.random.default_rng(5).normal(size=2000).cumsum()


@pytest.fixture
def client(server: ServerProcess, begin: Callable[..., metrana.OpenRun]) -> Iterator[QueryClient]:
    begin(run_name="r")
    for episode in range(EPISODES):
        for env, name in enumerate(ENVS):
            metrana.log_rl_environment_step(
                "reward", np.ones(LENGTHS[episode, env]), rl_step=episode // 2, env_id=name,
                episode=episode,
            )  # fmt: skip
        metrana.log_rl_episode(
            "return", RETURNS[episode], rl_step=episode // 2, env_id=ENVS, episode=episode
        )
    metrana.log("loss", LOSS)
    metrana.close()
    with QueryClient(workspace_name="ws", project_name="p", query_url=server.url) as opened:
        yield opened


def test_episodes_of_all_pages(client: QueryClient) -> None:
    returns = SeriesFilter("return", scale="EPISODE")
    frame = client.list_episodes("r", returns)
    assert len(frame) == EPISODES * len(ENVS)
    assert list(frame["environment"].unique()) == ENVS
    for env, name in enumerate(ENVS):
        mine = frame[frame["environment"] == name]
        assert np.array_equal(mine["episode"], np.arange(EPISODES))
        assert np.array_equal(mine["first_rl_step"], np.arange(EPISODES) // 2)
        assert np.array_equal(mine["last_rl_step"], np.arange(EPISODES) // 2)
        assert np.array_equal(mine["env_steps"], LENGTHS[:, env])
        assert np.allclose(mine[str(returns)], RETURNS[:, env], rtol=EXACT, atol=0)
    assert (frame["restarts"] == 0).all()
    assert (frame["first_time"] <= frame["last_time"]).all()


def test_the_best_episodes_and_those_of_a_choice(client: QueryClient) -> None:
    best = client.list_episodes(
        "r", {"return()": "last", 'reward(scale="ENVIRONMENT_STEP")': "sum"}, order_by=0,
        descending=True, limit=1500,
    )  # fmt: skip
    assert np.allclose(best["return()"], np.sort(RETURNS.ravel())[::-1][:1500], rtol=EXACT, atol=0)
    assert np.array_equal(best['reward(scale="ENVIRONMENT_STEP")'], best["env_steps"])
    some = client.list_episodes("r", environments="env-b", episodes=(10, 12))
    assert list(some["episode"]) == [10, 11, 12]
    assert set(some["environment"]) == {"env-b"}
    assert len(client.list_episodes("r", episodes=(EPISODES, None))) == 0
    with pytest.raises(MetranaQueryConfigError, match="limit must be 1 or more, not 0"):
        client.list_episodes("r", limit=0)


def test_attributes_of_episodes(client: QueryClient, begin: Callable[..., metrana.OpenRun]) -> None:
    begin(run_name="curriculum")
    metrana.log_env_attributes("env-a", {"task": "reach", "size": 3})
    metrana.log_env_attributes("env-a", {"task": "push"}, episode=1000)
    for episode in (0, 999, 1000, 1001):
        metrana.log_rl_episode(
            "return", [1.0, 2.0], rl_step=episode, env_id=["env-a", "env-b"], episode=episode
        )
    metrana.close()
    frame = client.list_episodes("curriculum", "return()", attribute_paths=["task", "none", "size"])
    assert list(frame.columns)[-4:] == ["return()", "task", "none", "size"]
    assert frame["environment"].to_list() == ["env-a"] * 4 + ["env-b"] * 4
    assert frame["task"][:4].to_list() == ["reach", "reach", "push", "push"]
    assert frame["task"][4:].isna().all()
    assert frame["none"].isna().all()
    assert frame["size"][:4].to_list() == [3.0] * 4
    assert frame["size"][4:].isna().all()

    several_pages = client.list_episodes("r", attribute_paths=["task"])
    assert len(several_pages) == EPISODES * len(ENVS)
    assert several_pages["task"].isna().all()
    none = client.list_episodes("r", episodes=(EPISODES, None), attribute_paths=["task"])
    assert (len(none), list(none.columns)[-1]) == (0, "task")


def test_the_matrix(client: QueryClient) -> None:
    whole = client.fetch_episode_matrix("r", "return()", max_columns=EPISODES)
    assert np.allclose(whole.means, RETURNS.T, rtol=EXACT, atol=0)
    assert np.array_equal(whole.minima, whole.means)
    assert whole.to_pandas().loc["env-b", 7] == whole.means[1, 7]
    binned = client.fetch_episode_matrix("r", "return()", max_columns=70)
    cells = RETURNS.T.reshape(len(ENVS), 70, 10)
    assert np.allclose(binned.means, cells.mean(axis=2), rtol=EXACT, atol=EXACT)
    assert np.array_equal(binned.minima, cells.min(axis=2))
    assert np.array_equal(binned.maxima, cells.max(axis=2))
    assert list(binned.first_episodes) == list(range(0, EPISODES, 10))
    assert binned.last_episode == EPISODES - 1


@pytest.mark.parametrize("axis", ["rl_step", "episode"])
def test_curves_along_an_axis(client: QueryClient, axis: str) -> None:
    found = client.fetch_curves("r", SeriesFilter("return", scale="EPISODE"), axis=axis)  # type: ignore[arg-type]
    (curve,) = found.curves
    wide = 2 if axis == "rl_step" else 1
    cells = RETURNS.reshape(EPISODES // wide, -1)
    assert np.array_equal(curve.xs, np.arange(EPISODES // wide))
    assert (curve.counts == wide * len(ENVS)).all()
    assert np.allclose(curve.means, cells.mean(axis=1), rtol=EXACT, atol=EXACT)
    assert np.array_equal(curve.mins, cells.min(axis=1))
    assert np.array_equal(curve.maxs, cells.max(axis=1))
    assert found.to_pandas()["mean"].tolist() == curve.means.tolist()
    assert curve.series.name == "return"
    assert curve.environment is None


def test_curves_of_environments_and_none(client: QueryClient) -> None:
    asked = SeriesFilter("return", scale="EPISODE")
    found = client.fetch_curves(
        "r", asked, axis="episode", environments=["env-c", "env-a"], within=(5, 8)
    )
    assert [one.environment for one in found.curves] == ["env-c", "env-a"]
    assert np.array_equal(found.curves[0].lasts, RETURNS[5:9, 2])
    none = client.fetch_curves("r", "nothing()")
    assert list(none.curves) == []
    assert list(none.to_pandas().columns)[:4] == ["run", "series", "environment", "x"]


def test_statistics_of_environments(client: QueryClient) -> None:
    found = client.fetch_statistics(
        {"all": "r"}, SeriesFilter("return", scale="EPISODE"), axis="episode", unit="environment",
        estimators=["mean", "std"], percentiles=[25], grid_points=EPISODES, resamples=100,
        include_samples=True,
    )  # fmt: skip
    (group,) = found.groups
    assert group.samples == len(ENVS)
    assert np.array_equal(found.grid, np.arange(EPISODES))
    mean, std = group.estimates["mean"], group.estimates["std"]
    assert np.allclose(mean.values, RETURNS.mean(axis=1), rtol=EXACT, atol=EXACT)
    assert np.allclose(std.values, RETURNS.std(axis=1, ddof=1), rtol=EXACT, atol=EXACT)
    assert np.allclose(group.percentiles[25.0], np.percentile(RETURNS, 25, axis=1), rtol=EXACT)
    assert (mean.low <= mean.values).all()
    assert (mean.values <= mean.high).all()
    assert [one.environment for one in group.sample_curves] == ENVS
    assert np.array_equal(group.sample_curves[1].values, RETURNS[:, 1])
    assert found.parameters["bootstrap"]["resamples"] == 100
    assert {"mean", "mean_low", "mean_high", "std", "p25"} <= set(found.to_pandas().columns)


def test_health_has_what_the_logger_counted(
    client: QueryClient, server: ServerProcess, begin: Callable[..., metrana.OpenRun]
) -> None:
    health = client.get_run_health("r", include_non_finite=True)
    rl_points = int(LENGTHS.sum()) + RETURNS.size
    assert health.points_stored == len(LOSS) + rl_points
    (said,) = health.deliveries
    assert (said.float_points.added, said.float_points.sent) == (len(LOSS), len(LOSS))
    assert (said.rl_float_points.added, said.rl_float_points.sent) == (rl_points, rl_points)
    assert said.float_points.dropped == said.rl_float_points.dropped == 0
    assert said.others["requests_sent"] > 0
    assert list(health.non_finite) == []

    begin(run_name="diverged")
    metrana.log("loss", [1.0, np.nan, np.inf])
    metrana.close()
    (first,) = client.get_run_health("diverged", include_non_finite=True).non_finite
    assert (first.series.name, first.step, first.environment) == ("loss", 1, None)
    assert first.value is not None
    assert np.isnan(first.value)
    with pytest.raises(MetranaQueryRpcError, match='no run "x"'):
        client.get_run_health("x")


def test_sparklines_in_the_order_of_the_queries(client: QueryClient) -> None:
    asked: list[tuple[str, SeriesFilter | str]] = [("r", "loss()"), ("r", "none()")] * 150
    found = client.fetch_sparklines(asked, buckets=50)
    assert len(found) == 300
    assert np.allclose(found[-2].means, LOSS.reshape(50, -1).mean(axis=1), rtol=EXACT, atol=EXACT)
    assert (found[0].bucket_count, found[0].first_step, found[0].last_step) == (50, 0, 1999)
    assert list(found[0].bucket_indexes) == list(range(50))
    assert len(found[1].means) == 0


def test_pinned_projects(client: QueryClient, server: ServerProcess) -> None:
    pinned = AttrFilter("sys/pinned") == True  # noqa: E712 # a filter, no comparison
    assert len(client.fetch_projects(filter=pinned)) == 0
    for now, count in ((True, 1), (False, 0)):
        question = {"workspace": "ws", "project": "p", "pinned": now}
        _ask_in_json(server, "SetPinned", question)
        assert len(client.fetch_projects(filter=pinned)) == count


def test_saved_views(client: QueryClient, server: ServerProcess) -> None:
    assert len(client.list_saved_views()) == 0
    for view in (
        {"name": "table", "page": "runs"},
        {"name": "charts", "page": "charts", "run": "r", "parameters": "x=time"},
    ):
        _ask_in_json(server, "SaveView", {"workspace": "ws", "project": "p", "view": view})
    frame = client.list_saved_views()
    assert list(frame["name"]) == ["charts", "table"]
    assert list(frame["page"]) == ["charts", "runs"]
    assert frame["run"][0] == "r"
    assert list(frame["run"].isna()) == [False, True]
    assert list(frame["parameters"]) == ["x=time", ""]
    assert (frame["saved"].dt.tz_convert("UTC") > "2024-01-01").all()


def _ask_in_json(server: ServerProcess, method: str, question: object) -> None:
    request = urllib.request.Request(
        f"{server.url}/metrana.views.v1.ViewsService/{method}",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
