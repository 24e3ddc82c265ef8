"""Curves as the dashboard draws them, against NumPy on what was logged."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana import errors
from metrana.query import QueryClient, SeriesFilter

RETURN = SeriesFilter("return", scale="EPISODE")


@pytest.fixture
def client(server: ServerProcess) -> Iterator[QueryClient]:
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as opened:
        yield opened


@pytest.fixture
def values(begin: Callable[..., metrana.OpenRun]) -> np.ndarray[Any, Any]:
    """What `loss` is at each step; NaN and infinite at three of them."""
    values = np.random.default_rng(3).normal(size=1000)
    values[[10, 500, 990]] = np.nan, np.inf, -np.inf
    with begin(workspace_name="w", project_name="p", run_name="r") as run:
        run.log("loss", values)
    return values


@pytest.fixture
def returns(begin: Callable[..., metrana.OpenRun]) -> np.ndarray[Any, Any]:
    """Returns by environment and update, an episode each."""
    returns = np.random.default_rng(4).normal(size=(2, 8))
    with begin(workspace_name="w", project_name="p", run_name="rl") as run:
        for update in range(8):
            run.log_rl_episode(
                "return", returns[:, update], rl_step=update, env_id=["e0", "e1"], episode=update
            )
    return returns


def test_buckets_are_numpys(client: QueryClient, values: np.ndarray[Any, Any]) -> None:
    curves = client.fetch_curves("r", "loss()", buckets=10)
    assert curves.bucket_width == 100
    (curve,) = curves
    rows = values.reshape(10, 100)
    finite = [row[np.isfinite(row)] for row in rows]
    assert curve.xs.tolist() == [100.0 * i for i in range(10)]
    assert curve.counts.tolist() == [len(row) for row in finite]
    np.testing.assert_allclose(curve.means, [row.mean() for row in finite], rtol=1e-12)
    assert curve.mins.tolist() == [row.min() for row in finite]
    assert curve.maxs.tolist() == [row.max() for row in finite]
    assert curve.lasts.tolist() == [row[-1] for row in finite]
    assert curve.nan_xs.tolist() == [0]
    assert curve.infinity_xs.tolist() == [500]
    assert curve.negative_infinity_xs.tolist() == [900]
    assert (curve.run, curve.series.key, curve.environment) == ("r", "loss", None)


def test_a_part_of_the_axis_down_to_points(
    client: QueryClient, values: np.ndarray[Any, Any]
) -> None:
    (curve,) = client.fetch_curves("r", "loss()", within=(20, 29))
    assert curve.xs.tolist() == list(range(20, 30))
    assert curve.means.tolist() == values[20:30].tolist()
    table = client.fetch_curves("r", "loss()", within=(998, None)).to_pandas()
    assert table["x"].tolist() == [998, 999]
    assert table["last"].tolist() == values[998:].tolist()


def test_environments_are_one_curve_or_one_each(
    client: QueryClient, returns: np.ndarray[Any, Any]
) -> None:
    (together,) = client.fetch_curves(["rl"], RETURN, axis="rl_step")
    np.testing.assert_allclose(together.means, returns.mean(axis=0), rtol=1e-12)
    each = client.fetch_curves("rl", RETURN, axis="episode", environments=["e1", "e0"])
    assert [curve.environment for curve in each] == ["e1", "e0"]
    assert each[0].means.tolist() == returns[1].tolist()


def test_updates_and_episodes_choose_points(
    client: QueryClient, returns: np.ndarray[Any, Any]
) -> None:
    (some,) = client.fetch_curves("rl", RETURN, axis="rl_step", rl_steps=(2, 5))
    np.testing.assert_allclose(some.means, returns[:, 2:6].mean(axis=0), rtol=1e-12)
    (late,) = client.fetch_curves("rl", RETURN, axis="episode", episodes=(6, None))
    assert late.xs.tolist() == [6, 7]


def test_a_fork_goes_on_where_its_parent_was(
    client: QueryClient, values: np.ndarray[Any, Any], begin: Callable[..., metrana.OpenRun]
) -> None:
    fork = {"fork_from_run": "r", "fork_at_step": 20}
    with begin(workspace_name="w", project_name="p", run_name="fork", **fork) as run:
        run.log("loss", [7.0, 8.0])
    (own,) = client.fetch_curves("fork", "loss()")
    assert own.xs.tolist() == [21, 22]
    (whole,) = client.fetch_curves("fork", "loss()", include_inherited=True)
    assert whole.xs.tolist() == [x for x in range(23) if x != 10]  # NaN there
    assert whole.lasts.tolist()[-3:] == [values[20], 7.0, 8.0]


def test_a_metric_is_an_axis(client: QueryClient, begin: Callable[..., metrana.OpenRun]) -> None:
    tokens = np.repeat([10.0, 20.0, 30.0, 40.0], 25)
    loss = np.random.default_rng(5).normal(size=100)
    with begin(workspace_name="w", project_name="p", run_name="t") as run:
        run.log("loss", loss)
        for step in range(0, 100, 25):
            run.log("tokens", tokens[step], step=step)
    curves = client.fetch_curves_by_metric("t", "loss()", SeriesFilter("tokens"))
    (curve,) = curves
    assert curves.bucket_width == 0
    assert curve.xs.tolist() == [10, 20, 30, 40]
    np.testing.assert_allclose(curve.means, loss.reshape(4, 25).mean(axis=1), rtol=1e-12)
    wide = client.fetch_curves_by_metric("t", "loss()", "tokens()", within=(15.0, None), buckets=2)
    assert wide.bucket_width == 10
    assert wide[0].counts.tolist() == [25, 50]


def test_points_of_environments_are_joined_by_their_updates(
    client: QueryClient, returns: np.ndarray[Any, Any]
) -> None:
    (curve,) = client.fetch_curves_by_metric("rl", RETURN, RETURN, joined_by="rl_step")
    np.testing.assert_allclose(curve.xs, np.sort(returns.mean(axis=0)), rtol=1e-12)
    np.testing.assert_allclose(curve.means, curve.xs, rtol=1e-12)
    with pytest.raises(
        errors.MetranaQueryConfigError, match=r"joined_by must be one of step, rl_step, not 'time'"
    ):
        client.fetch_curves_by_metric("rl", RETURN, RETURN, joined_by="time")  # type: ignore[arg-type]
    with pytest.raises(errors.MetranaQueryConfigError, match="from 1 to 5,000, not 0"):
        client.fetch_curves_by_metric("rl", RETURN, RETURN, buckets=0)


def test_without_points_there_is_no_curve(
    client: QueryClient, values: np.ndarray[Any, Any]
) -> None:
    curves = client.fetch_curves("r", "absent()")
    assert len(curves) == 0
    assert list(curves.to_pandas().columns)[:4] == ["run", "series", "environment", "x"]


def test_what_cannot_be_asked_is_named(client: QueryClient, values: np.ndarray[Any, Any]) -> None:
    with pytest.raises(
        errors.MetranaQueryConfigError, match=r"axis must be one of step, .*'steps'"
    ):
        client.fetch_curves("r", "loss()", axis="steps")  # type: ignore[arg-type]
    with pytest.raises(errors.MetranaQueryConfigError, match="from 1 to 5,000, not 0"):
        client.fetch_curves("r", "loss()", buckets=0)
    with pytest.raises(errors.MetranaQueryRpcError, match="NOT_FOUND"):
        client.fetch_curves("nobody", "loss()")
