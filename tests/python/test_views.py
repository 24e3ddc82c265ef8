"""What the ViewsService says of runs, against NumPy and SciPy."""

from __future__ import annotations

import base64
import json
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import metrana
from conftest import ServerProcess

stats = pytest.importorskip("scipy.stats")

SEEDS = 8  # a multiple of four: only then does SciPy cut whole samples


def ask(server: ServerProcess, method: str, **question: Any) -> dict[str, Any]:
    """Calls a method of the service in Connect's JSON."""
    request = urllib.request.Request(
        f"{server.url}/metrana.views.v1.ViewsService/{method}",
        data=json.dumps(question).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


def column(encoded: str, kind: str = "<f8") -> NDArray[Any]:
    return np.frombuffer(base64.b64decode(encoded), kind)


@pytest.fixture
def curves(begin: Callable[..., metrana.OpenRun]) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Steps and values of one series in a run for each seed."""
    random = np.random.default_rng(5)
    logged = []
    for seed in range(SEEDS):
        begin(run_name=f"seed-{seed}")
        steps = np.unique(random.integers(0, 1000, 200))
        values = random.normal(seed, 3, len(steps)).cumsum()
        metrana.log("loss", values, step=steps)
        metrana.close()
        logged.append((steps.astype(float), values))
    return logged


def test_statistics_are_those_of_numpy_and_scipy(
    server: ServerProcess, curves: list[tuple[NDArray[Any], NDArray[Any]]]
) -> None:
    members = [{"run": f"seed-{i}", "seriesQuery": "loss()"} for i in range(SEEDS)]
    estimators = ["MEAN", "MEDIAN", "IQM", "STD", "SEM"]
    answer = ask(
        server,
        "GetStatistics",
        workspace="ws",
        project="p",
        axis="AXIS_STEP",
        groups=[{"name": "all", "members": members}],
        estimators=[f"ESTIMATOR_{name}" for name in estimators],
        percentiles=[10, 33.3, 90],
        bootstrap={"resamples": 5000, "seed": "7"},
    )
    grid = column(answer["grid"])
    samples = np.array([np.interp(grid, steps, values, np.nan, np.nan) for steps, values in curves])
    whole = ~np.isnan(samples).any(axis=0)
    (group,) = answer["groups"]

    assert grid[0] == min(steps[0] for steps, _ in curves)
    assert grid[-1] == max(steps[-1] for steps, _ in curves)
    assert np.array_equal(column(group["counts"], "<u8"), (~np.isnan(samples)).sum(axis=0))
    assert whole.sum() > 200
    samples = samples[:, whole]
    wanted = {
        "MEAN": samples.mean(axis=0),
        "MEDIAN": np.median(samples, axis=0),
        "IQM": stats.trim_mean(samples, 0.25, axis=0),
        "STD": samples.std(axis=0, ddof=1),
        "SEM": stats.sem(samples, axis=0),
    }
    for name, curve in zip(estimators, group["estimators"], strict=True):
        assert column(curve["values"])[whole] == pytest.approx(wanted[name], rel=1e-9, abs=1e-9)
    for percentile, curve in zip([10, 33.3, 90], group["percentiles"], strict=True):
        assert column(curve["values"])[whole] == pytest.approx(
            np.percentile(samples, percentile, axis=0), rel=1e-9
        )

    # Other random numbers, so as wide only to a part of the width.
    mean = group["estimators"][0]
    ours = (column(mean["confidenceLow"])[whole], column(mean["confidenceHigh"])[whole])
    scipys = stats.bootstrap(
        (samples,), np.mean, axis=0, n_resamples=5000, method="percentile", rng=3
    )
    width = scipys.confidence_interval.high - scipys.confidence_interval.low
    assert np.all(np.abs(ours[0] - scipys.confidence_interval.low) < 0.15 * width)
    assert np.all(np.abs(ours[1] - scipys.confidence_interval.high) < 0.15 * width)
    assert answer["interpolation"] == "linear"
    assert answer["bootstrap"] == {"resamples": 5000, "seed": "7", "confidence": 0.95}


def test_episodes_and_their_matrix_are_those_logged(
    server: ServerProcess, begin: Callable[..., metrana.OpenRun]
) -> None:
    random = np.random.default_rng(6)
    returns = random.normal(size=(12, 3))
    begin()
    for episode in range(12):
        for env in range(3):
            rewards = random.normal(size=5 + env)
            at: dict[str, Any] = {"rl_step": episode, "episode": episode, "env_id": f"env-{env}"}
            metrana.log_rl_environment_step("reward", rewards, **at)
            metrana.log_rl_episode("return", returns[episode, env], **at)
    metrana.close()
    run = {"workspace": "ws", "project": "p", "run": "r"}
    page = ask(
        server,
        "ListEpisodes",
        run=run,
        metrics=[{"seriesQuery": "return()"}],
        order={"column": "EPISODE_COLUMN_METRIC", "descending": True},
        limit=5,
    )
    best = np.argsort(-returns, axis=None)[:5]
    assert page["totalCount"] == "36"
    assert column(page["metrics"][0]) == pytest.approx(returns.flat[best])
    assert np.array_equal(column(page["episodes"], "<u8"), best // 3)
    indexes = column(page["environmentIndexes"], "<u8").tolist()
    assert [page["environments"][i] for i in indexes] == [f"env-{env}" for env in best % 3]
    assert np.array_equal(column(page["envSteps"], "<u8"), 5 + best % 3)

    matrix = ask(server, "GetEpisodeMatrix", run=run, metric={"seriesQuery": "return()"})
    assert matrix["environments"] == ["env-0", "env-1", "env-2"]
    assert column(matrix["means"]).reshape(3, 12) == pytest.approx(returns.T)


def log_returns(
    begin: Callable[..., metrana.OpenRun], runs: int, shape: tuple[int, int]
) -> NDArray[Any]:
    """Logs returns of [environment, episode] into several runs: [run, environment, episode]."""
    random = np.random.default_rng(9)
    returns = random.normal(size=(runs, *shape)) * (10.0 ** np.arange(shape[0]))[:, None]
    for run in range(runs):
        begin(run_name=f"seed-{run}")
        envs = [f"env-{env}" for env in range(shape[0])]
        metrana.log_rl_episode("return", returns[run], rl_step=0, env_id=envs, episode=0)
        metrana.close()
    return returns


def test_histograms_of_episodes_are_those_of_numpy(
    server: ServerProcess, begin: Callable[..., metrana.OpenRun]
) -> None:
    (returns,) = log_returns(begin, 1, (3, 400))
    episodes = np.broadcast_to(np.arange(400), returns.shape)
    chosen = np.abs(returns) < 20
    answer = ask(
        server,
        "GetEpisodeHistogram",
        run={"workspace": "ws", "project": "p", "run": "seed-0"},
        metrics=[{"seriesQuery": "return()"}],
        metricRanges=[{"metric": 0, "from": -20, "to": 20}],
        x={"column": "EPISODE_COLUMN_METRIC", "bins": 30},
        y={"column": "EPISODE_COLUMN_EPISODE", "bins": 8},
    )
    wanted, xs, ys = np.histogram2d(returns[chosen], episodes[chosen], (30, 8))
    assert np.array_equal(column(answer["counts"], "<u8").reshape(8, 30), wanted.T)
    assert (answer["firstX"], answer["lastX"]) == (xs[0], xs[-1])
    assert (answer.get("firstY", 0), answer["lastY"]) == (ys[0], ys[-1])
    assert answer["totalCount"] == str(chosen.sum())


def test_estimates_along_whole_bins_are_those_of_numpy_and_scipy(
    server: ServerProcess, begin: Callable[..., metrana.OpenRun]
) -> None:
    (returns,) = log_returns(begin, 1, (3, 400))
    answer = ask(
        server,
        "GetEpisodeHistogram",
        run={"workspace": "ws", "project": "p", "run": "seed-0"},
        metrics=[{"seriesQuery": "return()"}],
        x={"column": "EPISODE_COLUMN_EPISODE", "bins": 120, "whole": True},
        y={"column": "EPISODE_COLUMN_METRIC", "bins": 40},
        estimators=["ESTIMATOR_IQM"],
        percentiles=[10, 90],
    )
    # Four episodes of three environments a bin: SciPy cuts three whole ones from either end.
    binned = returns.reshape(3, 100, 4).transpose(1, 0, 2).reshape(100, 12)
    wanted, _, ys = np.histogram2d(np.repeat(np.arange(100), 12), binned.ravel(), (100, 40))
    assert (answer.get("firstX", 0), answer["lastX"], answer["xBins"]) == (0, 400, 100)
    assert (answer["firstY"], answer["lastY"]) == (ys[0], ys[-1])
    assert np.array_equal(column(answer["counts"], "<u8").reshape(40, 100), wanted.T)
    assert column(answer["estimators"][0]["values"]) == pytest.approx(
        stats.trim_mean(binned, 0.25, axis=1)
    )
    for curve, wanted in zip(
        answer["percentiles"], np.percentile(binned, [10, 90], axis=1), strict=True
    ):
        assert column(curve["values"]) == pytest.approx(wanted)


def test_normalised_samples_are_those_of_numpy(
    server: ServerProcess, begin: Callable[..., metrana.OpenRun]
) -> None:
    returns = log_returns(begin, SEEDS, (3, 50))
    low, high = (of(returns, axis=(0, 2), keepdims=True) for of in (np.min, np.max))
    samples = ((returns - low) / (high - low)).reshape(SEEDS * 3, 50)
    answer = ask(
        server,
        "GetStatistics",
        workspace="ws",
        project="p",
        axis="AXIS_EPISODE",
        unit="SAMPLE_UNIT_ENVIRONMENT",
        groups=[
            {
                "name": "all",
                "members": [{"run": f"seed-{i}", "seriesQuery": "return()"} for i in range(SEEDS)],
            }
        ],
        estimators=["ESTIMATOR_IQM"],
        normalisation={"byEnvironment": True},
        includeSamples=True,
    )
    (group,) = answer["groups"]
    curves = np.array([column(one["values"]) for one in group["sampleCurves"]])
    assert [(c["run"], c["environment"]) for c in group["sampleCurves"][2:4]] == [
        ("seed-0", "env-2"),
        ("seed-1", "env-0"),
    ]
    assert curves == pytest.approx(samples, rel=1e-9, abs=1e-9)
    assert column(group["estimators"][0]["values"]) == pytest.approx(
        stats.trim_mean(samples, 0.25, axis=0), rel=1e-9, abs=1e-9
    )


def test_bin_means_are_those_of_scipy(
    server: ServerProcess, curves: list[tuple[NDArray[Any], NDArray[Any]]]
) -> None:
    answer = ask(
        server,
        "GetStatistics",
        workspace="ws",
        project="p",
        gridPoints=40,
        groups=[{"members": [{"run": "seed-0", "seriesQuery": "loss()"}]}],
        estimators=["ESTIMATOR_MEAN"],
        binMeans=True,
    )
    grid = column(answer["grid"])
    middles = (grid[1:] + grid[:-1]) / 2
    steps, values = curves[0]
    wanted = stats.binned_statistic(steps, values, bins=[-1, *middles, 2000]).statistic
    (group,) = answer["groups"]
    assert answer["interpolation"] == "linear between bin means"
    assert column(group["estimators"][0]["values"]) == pytest.approx(wanted, rel=1e-9, abs=1e-9)
