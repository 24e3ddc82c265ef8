"""Reading back through a real server: every number against NumPy on what was logged."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
import random
import re
import socket
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import metrana
from conftest import ServerProcess
from metrana import _reader, errors, frames, points
from metrana.filters import Filter, LabelCondition, LabelFilter
from metrana.query import AttrFilter, QueryClient, SeriesFilter, Steps

RUNS = 8
POINTS = 700
ENVIRONMENTS = 5
EPISODES = 4
STEPS = 30


class Logged:
    """What the runs of this module were told, and the server that has it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.configs: dict[str, dict[str, Any]] = {}
        self.loss: dict[str, np.ndarray[Any, Any]] = {}
        self.labelled: dict[str, np.ndarray[Any, Any]] = {}

    def client(self, **arguments: Any) -> QueryClient:
        return QueryClient(workspace_name="w", project_name="p", query_url=self.url, **arguments)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logged]:
    server = ServerProcess(tmp_path_factory.mktemp("query") / "data")
    found = Logged(server.url)
    rng, chance = np.random.default_rng(5), random.Random(5)
    try:
        for number in range(RUNS):
            name = f"run-{number}"
            config = {
                "lr": chance.choice([0.1, 0.01, 0.001]),
                "layers": chance.randrange(4),
                "name": chance.choice(["ada", "bob", 'qu"ote']),
                "fast": chance.random() < 0.5,
            }
            if chance.random() < 0.3:
                del config["layers"]
            found.configs[name] = config
            loss = rng.standard_normal(POINTS)
            loss[rng.integers(0, POINTS, 3)] = [np.nan, np.inf, -np.inf]
            found.loss[name] = loss
            found.labelled[name] = rng.standard_normal(40)
            with metrana.init(
                api_key="k", workspace_name="w", project_name="p", run_name=name,
                experiment_name=f"e{number % 2}", ingestion_url=server.url, config=config,
                tags=["even" if number % 2 == 0 else "odd", "all"],
            ):  # fmt: skip
                metrana.log({"loss": loss})
                metrana.log({"acc": found.labelled[name]}, labels={"split": "a,b"})
                if number == 0:
                    _log_environments()
        yield found
    finally:
        server.end()


def rewards() -> np.ndarray[Any, Any]:
    """The rewards by environment, episode and env step; at rl_step r is episode r."""
    rng = np.random.default_rng(9)
    return rng.standard_normal((ENVIRONMENTS, EPISODES, STEPS))


def _log_environments() -> None:
    names = [f"env-{i}" for i in range(ENVIRONMENTS)]
    for episode in range(EPISODES):
        metrana.log_rl_environment_step(
            "reward",
            rewards()[:, episode],
            rl_step=episode,
            env_id=names,
            episode=np.full((ENVIRONMENTS, STEPS), episode),
        )
    for i, name in enumerate(names):
        metrana.log_env_attributes(name, {"kind": "odd" if i % 2 else "even", "size": i})


# Points


def test_points_are_those_logged(logged: Logged) -> None:
    names = list(logged.loss)
    with logged.client() as client:
        found = client.fetch_float_series(names, "loss()", include_timestamps=True)
    assert [one.run for one in found] == names
    for one in found:
        np.testing.assert_array_equal(one.values, logged.loss[one.run])
        np.testing.assert_array_equal(one.steps, np.arange(POINTS))
        assert one.timestamps is not None
        assert len(one.timestamps) == POINTS
        assert one.series.key == "loss"


def test_labels_and_steps_are_chosen(logged: Logged) -> None:
    with logged.client() as client:
        (one,) = client.fetch_float_series(
            "run-1", SeriesFilter("acc", labels={"split": "a,b"}), steps=Steps(first=3, last=8)
        )
        (last,) = client.fetch_float_series("run-1", "acc()", steps=Steps(from_the_end=2))
        assert not client.fetch_float_series("run-1", SeriesFilter("acc", labels={"split": "c"}))
    np.testing.assert_array_equal(one.values, logged.labelled["run-1"][3:9])
    np.testing.assert_array_equal(last.steps, [38, 39])
    assert one.series.key == "acc(split=a,b)"
    with pytest.raises(errors.MetranaQueryConfigError, match="only one kind"):
        Steps(first=1, from_the_end=2).selection()


@pytest.mark.parametrize("page", [1, 7, 699, 701])
def test_series_go_on_over_pages(
    logged: Logged, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(points, "_POINTS_A_PAGE", page)
    with logged.client() as client:
        found = client.fetch_float_series(["run-0", "run-1"], ["loss()", "acc()"])
    assert [(one.run, one.series.name) for one in found] == [
        ("run-0", "acc"), ("run-0", "loss"), ("run-1", "acc"), ("run-1", "loss"),
    ]  # fmt: skip
    np.testing.assert_array_equal(found[3].values, logged.loss["run-1"])
    np.testing.assert_array_equal(found[3].steps, np.arange(POINTS))


def test_long_columns_of_many_pages_have_memory_of_their_own(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 1_000_000
    values = np.random.default_rng(3).standard_normal(number)
    with metrana.init(
        api_key="k", workspace_name="w", project_name="p", run_name="long", ingestion_url=server.url
    ):
        metrana.log({"loss": values, "short": values[:5]})
    monkeypatch.setattr(points, "_POINTS_A_PAGE", 70_000)
    blocks: list[weakref.ref[Any]] = []

    class Block(_reader._Block):
        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            blocks.append(weakref.ref(self))

    monkeypatch.setattr(_reader, "_Block", Block)
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        found = client.fetch_float_series("long", ["loss()", "short()"], include_timestamps=True)
        (part,) = client.fetch_float_series("long", "loss()", steps=Steps(first=400_000))
    long, short = found
    np.testing.assert_array_equal(long.values, values)
    np.testing.assert_array_equal(long.steps, np.arange(number))
    assert long.timestamps is not None
    assert len(np.unique(long.timestamps)) == 1
    np.testing.assert_array_equal(short.values, values[:5])
    np.testing.assert_array_equal(part.values, values[400_000:])
    assert part.timestamps is None
    columns = [long.values, long.steps, long.timestamps, part.values, part.steps]
    assert not any(one.flags.owndata for one in columns)
    assert len({one.ctypes.data for one in columns}) == len(columns)
    kept = long.values
    del found, long, short, part, columns
    gc.collect()
    assert sum(one() is not None for one in blocks) == 1
    np.testing.assert_array_equal(kept, values)
    del kept
    gc.collect()
    assert not any(one() for one in blocks)


def test_columns_are_memory_of_the_answer_and_freed_with_the_last(logged: Logged) -> None:
    with logged.client() as client:
        found = client.fetch_float_series("run-0", "loss()")
        values, steps = found[0].values, found[0].steps
    assert not values.flags.owndata
    root: Any = values
    while isinstance(root.base, np.ndarray):
        root = root.base
    assert isinstance(root.base, _reader._Block)
    freed = weakref.ref(root.base)
    del root, found, values
    gc.collect()
    assert freed() is not None, "steps still look at it"
    np.testing.assert_array_equal(steps, np.arange(POINTS))
    del steps
    gc.collect()
    assert freed() is None


def test_tables_and_arrow(logged: Logged) -> None:
    with logged.client() as client:
        found = client.fetch_float_series(["run-0", "run-1"], "loss()", include_timestamps=True)
    frame = found.to_pandas()
    assert list(frame) == ["run", "series", "step", "value", "timestamp"]
    np.testing.assert_array_equal(
        frame["value"], np.concatenate([logged.loss["run-0"], logged.loss["run-1"]])
    )
    table = pa.table(found)
    assert table.num_rows == 2 * POINTS
    chunk = table["value"].chunk(0)
    assert chunk.buffers()[1].address == found[0].values.ctypes.data, "the numbers were copied"
    empty = frames.FloatSeriesList([])
    assert list(empty.to_pandas()) == ["run", "series", "step", "value"]
    assert empty.to_arrow().num_rows == 0


# Buckets


@pytest.mark.parametrize("count", [1, 7, 100, 699, 5000])
def test_buckets_sum_points_up(logged: Logged, count: int) -> None:
    with logged.client() as client:
        found = client.fetch_float_series_buckets("run-2", "loss()", buckets_count=count)
    (one,) = found.series
    loss, axis = logged.loss["run-2"], found.axis
    begins = axis.first + np.floor(np.arange(axis.count + 1) * axis.width).astype(int)
    for at, index in enumerate(one.indexes):
        part = loss[begins[int(index)] : begins[int(index) + 1]]
        finite = part[np.isfinite(part)]
        if len(finite) == 0:
            continue
        assert one.counts[at] == len(finite)
        np.testing.assert_allclose(one.means[at], finite.mean(), rtol=1e-12, atol=1e-12)
        assert one.mins[at] == finite.min()
        assert one.maxs[at] == finite.max()
    assert sum(map(int, one.counts)) == np.isfinite(loss).sum()
    for wrong, listed in (
        (np.isnan(loss), one.with_nans),
        (np.isposinf(loss), one.with_infs),
        (np.isneginf(loss), one.with_neg_infs),
    ):
        where = np.searchsorted(begins, np.flatnonzero(wrong), side="right") - 1
        np.testing.assert_array_equal(listed, np.unique(where))
    assert len(found.to_pandas()) == len(one.indexes)


def test_buckets_along_time(logged: Logged) -> None:
    with logged.client() as client:
        found = client.fetch_float_series_buckets(
            "run-2", "loss()", axis="relative_time", buckets_count=3
        )
        with pytest.raises(errors.MetranaQueryConfigError, match="axis of time"):
            client.fetch_float_series_buckets("run-2", "loss()", times=(0, 1))
        with pytest.raises(errors.MetranaQueryConfigError, match="'wall'"):
            client.fetch_float_series_buckets("run-2", "loss()", axis="wall")  # type: ignore[arg-type]
    (one,) = found.series
    assert sum(map(int, one.counts)) == np.isfinite(logged.loss["run-2"]).sum()
    assert "last_steps" in one.others


# Reinforcement learning


def test_environments(logged: Logged) -> None:
    reward = SeriesFilter("reward", scale="ENVIRONMENT_STEP")
    with logged.client() as client:
        assert client.get_rl_info("run-0") == (ENVIRONMENTS, EPISODES - 1, EPISODES - 1)
        assert client.get_rl_info("run-1").number_of_environments == 0
        table = client.fetch_rl_envs("run-0", attribute_paths=["kind", "size"])
        odd = client.fetch_rl_envs("run-0", filter=AttrFilter("kind") == "odd")
        points = client.fetch_rl_env_float_series("run-0", "env-2", episode=1)
        buckets = client.fetch_rl_env_float_series_buckets(
            "run-0", ["env-1", "env-3"], reward, episode=2, buckets_count=STEPS
        )
        rollout = client.fetch_rl_env_float_series_buckets("run-0", "env-1", reward, rl_step=3)
        attributes = client.list_rl_env_attributes("run-0", "env-3")
    assert list(table["environment_id"]) == [f"env-{i}" for i in range(ENVIRONMENTS)]
    assert list(table["size"]) == list(range(ENVIRONMENTS))
    assert list(odd["environment_id"]) == ["env-1", "env-3"]
    np.testing.assert_array_equal(points[0].values, rewards()[2, 1])
    np.testing.assert_array_equal(points[0].steps, np.arange(STEPS))
    assert points[0].environment == "env-2"
    for one, env in zip(buckets.series, (1, 3), strict=True):
        assert one.environment == f"env-{env}"
        np.testing.assert_array_equal(one.means, rewards()[env, 2])
    np.testing.assert_array_equal(rollout.series[0].means, rewards()[1, 3])
    assert (attributes["kind"], attributes["size"]) == ("odd", 3)


def test_aggregation_over_environments(logged: Logged) -> None:
    means = rewards().mean(axis=2)  # by environment and rl_step
    with logged.client() as client:
        table = client.aggregate_rl_env_series(
            "run-0",
            SeriesFilter("reward", scale="ENVIRONMENT_STEP"),
            aggregations=["avg", "min", "max", "sum", "std", "median"],
            rl_steps=(None, None),
            groupings=[AttrFilter("kind")],
        )
        with pytest.raises(errors.MetranaQueryConfigError, match="rl_steps= or episodes="):
            client.aggregate_rl_env_series("run-0", "reward()")
        with pytest.raises(errors.MetranaQueryConfigError, match="'mode'"):
            client.aggregate_rl_env_series(
                "run-0",
                "reward()",
                rl_steps=(0, 1),
                aggregations=["mode"],  # type: ignore[list-item]
            )
    for kind, members in (("even", [0, 2, 4]), ("odd", [1, 3])):
        rows = table[table["attr(kind)"] == kind].sort_values("x")
        assert list(rows["x"]) == list(range(EPISODES))
        assert set(rows["count"]) == {len(members)}
        for name, function in (
            ("avg", np.mean), ("min", np.min), ("max", np.max),
            ("sum", np.sum), ("std", np.std), ("median", np.median),
        ):  # fmt: skip
            np.testing.assert_allclose(rows[name], function(means[members], axis=0), rtol=1e-12)


def test_aggregation_over_runs(logged: Logged) -> None:
    groups = {"first": ["run-0", "run-1", "run-2"], "second": ["run-3", "run-4"]}
    with logged.client() as client:
        table = client.aggregate_run_series(groups, "loss()", aggregations=["avg", "std"])
    for name, runs in groups.items():
        values = np.stack([logged.loss[run] for run in runs])
        values[~np.isfinite(values)] = np.nan
        rows = table[table["group"] == name].set_index("x")
        for step in (0, 17, POINTS - 1):
            np.testing.assert_allclose(rows["avg"][step], np.nanmean(values[:, step]), rtol=1e-12)
            np.testing.assert_allclose(rows["std"][step], np.nanstd(values[:, step]), rtol=1e-9)


# Tables


def test_runs_with_attributes_and_summaries(logged: Logged) -> None:
    last = SeriesFilter("acc", labels={"split": "a,b"}).last
    with logged.client() as client:
        table = client.fetch_runs(
            order_by=AttrFilter("sys/name").asc(),
            attribute_paths=["config/lr", "config/layers", "sys/tags", "sys/creation_time"],
            series_summaries=[last],
        )
        best = client.fetch_runs(order_by=last.desc(), limit=3)
        one = client.fetch_runs(experiment_name="e1")
        summaries = client.fetch_series_summaries(list(logged.loss), "acc():min,max,avg,std,count")
    assert list(table["name"]) == sorted(logged.configs)
    for row in table.to_dict("records"):
        config = logged.configs[row["name"]]
        assert row["config/lr"] == config["lr"]
        layers = row["config/layers"]
        assert (None if pd.isna(layers) else layers) == config.get("layers")
        assert row["sys/tags"][0] == "all"
        assert row["sys/creation_time"].tzinfo is not None
        assert row[str(last)] == logged.labelled[row["name"]][-1]
    ranked = sorted(logged.labelled, key=lambda name: -logged.labelled[name][-1])
    assert list(best["name"]) == ranked[:3]
    assert set(one["name"]) == {f"run-{i}" for i in range(1, RUNS, 2)}
    assert set(one["experiment"]) == {"e1"}
    for row in summaries.to_dict("records"):
        values = logged.labelled[row["run"]]
        assert row["labels"] == {"split": "a,b"}
        assert (row["count"], row["min"], row["max"]) == (40, values.min(), values.max())
        np.testing.assert_allclose([row["avg"], row["std"]], [values.mean(), values.std()])


def _random_filter(chance: random.Random, depth: int) -> tuple[Filter, Any]:
    """A filter, and what it means for a run's config."""
    if depth and chance.random() < 0.6:
        (a, means_a), (b, means_b) = (_random_filter(chance, depth - 1) for _ in range(2))
        if chance.random() < 0.5:
            return a & b, lambda config: means_a(config) and means_b(config)
        return a | b, lambda config: means_a(config) or means_b(config)
    lr, layers = chance.choice([0.1, 0.01, 0.001]), chance.randrange(4)
    name = chance.choice(["ada", 'qu"ote'])
    return chance.choice(
        [
            (AttrFilter("config/lr") < lr, lambda config: config["lr"] < lr),
            (AttrFilter("config/lr").is_in([lr]), lambda config: config["lr"] == lr),
            (
                AttrFilter("config/layers") >= layers,
                lambda config: config.get("layers", -1) >= layers,
            ),
            (AttrFilter("config/layers").exists(), lambda config: "layers" in config),
            (AttrFilter("config/name") == name, lambda config: config["name"] == name),
            (AttrFilter("config/name").contains('"'), lambda config: '"' in config["name"]),
            (AttrFilter("config/name").matches("^a"), lambda config: config["name"][0] == "a"),
            (AttrFilter("config/fast") == True, lambda config: config["fast"]),  # noqa: E712
        ]
    )


def test_random_filters_mean_on_the_server_what_they_mean_here(logged: Logged) -> None:
    chance = random.Random(11)
    with logged.client() as client:
        for _ in range(150):
            chosen, means = _random_filter(chance, 3)
            found = client.fetch_runs(filter=chosen)
            want = {name for name, config in logged.configs.items() if means(config)}
            assert set(found["name"]) == want, str(chosen)


def test_projects_experiments_and_attributes(logged: Logged) -> None:
    with logged.client() as client:
        assert client.fetch_projects().to_dict("records") == [
            {"name": "p", "runs_count": RUNS, "experiments_count": 2}
        ]
        experiments = client.list_experiments()
        assert dict(zip(experiments["name"], experiments["runs_count"], strict=True)) == {
            "e0": RUNS // 2, "e1": RUNS // 2,
        }  # fmt: skip
        attributes = client.list_run_attributes("run-0")
        assert attributes["config/lr"] == logged.configs["run-0"]["lr"]
        assert attributes["sys/tags"] == ["all", "even"]
        assert isinstance(attributes["sys/creation_time"], dt.datetime)
        assert set(client.list_run_attributes("run-0", prefix="config/")) == {
            f"config/{name}" for name in logged.configs["run-0"]
        }
        kinds = client.list_run_attribute_definitions(prefix="config/").set_index("path")["kind"]
        assert kinds["config/lr"] == "FLOAT"
        assert kinds["config/fast"] == "BOOL"
        only = client.list_run_attribute_definitions(kinds=["STRING_SET"])
        assert list(only["path"]) == ["sys/tags"]
        assert len(client.list_project_attribute_definitions()) > 0
        ours = ["kind", "size"]
        for found in (
            client.list_rl_env_attribute_definitions("run-0", regex="kind|size"),
            client.list_rl_env_attribute_definitions_across_runs(["run-0"], regex="kind|size"),
        ):
            assert list(found["path"]) == ours


def test_definitions(logged: Logged) -> None:
    with logged.client() as client:
        metrics = client.list_metric_definitions(runs="run-0", skip_aggregated=True)
        assert list(zip(metrics["name"], metrics["scale"], strict=True)) == [
            ("acc", "ML_STEP"), ("loss", "ML_STEP"), ("reward", "ENVIRONMENT_STEP"),
        ]  # fmt: skip
        assert list(client.list_metric_definitions(prefixes=["lo"])["name"]) == ["loss"]
        for found in (
            client.list_rl_env_metric_definitions("run-0"),
            client.list_rl_env_metric_definitions_across_runs(["run-0"]),
        ):
            assert list(found["name"]) == ["reward"]
        series = client.list_series_definitions(run="run-1")
        assert list(series["series"]) == ["acc(split=a,b)", "loss"]
        assert client.list_series_label_values("run-1", ["split"]) == {"split": ["a,b"]}
        assert client.list_series_label_values("run-1", {"split": "x"}) == {"split": []}
        for regex, values in (("^a.b$", ["a,b"]), ("^b", [])):
            assert client.list_series_label_values("run-1", regexes={"split": regex}) == {
                "split": values
            }
        with pytest.raises(errors.MetranaQueryConfigError, match="both name"):
            client.list_series_label_values("run-1", ["split"], regexes={"split": "a"})
        for kinds, n in ((["FLOAT"], 2), (["HISTOGRAM", "FLOAT"], 2), (["SCATTER"], 0)):
            assert len(client.list_series_definitions(run="run-1", value_kinds=kinds)) == n
            assert len(client.list_metric_definitions(runs="run-1", value_kinds=kinds)) == n
        with pytest.raises(errors.MetranaQueryConfigError, match="SERIES_VALUE_KIND_NONE"):
            client.list_series_definitions(value_kinds=["NONE"])


def test_random_label_conditions_mean_on_the_server_what_they_mean_here(
    server: ServerProcess,
) -> None:
    chance = random.Random(11)
    texts = ["", "a", "ab", 'q"', "back\\slash", "x, y", "(", "grün", "NOT IN"]
    labelled = [
        {key: chance.choice(texts) for key in ("k", "l/m", "other") if chance.random() < 0.8}
        for _ in range(40)
    ]
    labelled = [dict(one) for one in {tuple(sorted(one.items())) for one in labelled}]
    with metrana.init(
        api_key="k", workspace_name="w", project_name="p", run_name="r", ingestion_url=server.url
    ):
        for number, labels in enumerate(labelled):
            metrana.log({"m": float(number)}, labels=labels)

    def condition() -> tuple[LabelCondition, Callable[[dict[str, str]], bool]]:
        key, text, some = chance.choice(("k", "l/m")), chance.choice(texts), chance.sample(texts, 3)
        label = LabelFilter(key)
        kinds: list[tuple[LabelCondition, Callable[[str | None], bool]]] = [
            (label == text, lambda v: v == text),
            (label.matches(f"^{re.escape(text)}"), lambda v: v is not None and v.startswith(text)),
            (label.contains(text), lambda v: v is not None and text in v),
            (label.is_in(some), lambda v: v in some),
            (label != text, lambda v: v != text),
            (label.not_in(some), lambda v: v not in some),
        ]
        built, means = chance.choice(kinds)
        return built, lambda labels: means(labels.get(key))

    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        for _ in range(200):
            conditions = [condition() for _ in range(chance.randint(1, 3))]
            chosen = SeriesFilter("m", labels=[built for built, _ in conditions])
            found = client.fetch_float_series("r", chosen)
            want = {
                n for n, one in enumerate(labelled) if all(means(one) for _, means in conditions)
            }
            assert {int(one.values[0]) for one in found} == want, chosen


# Errors and life


def test_errors_name_what_is_wrong(logged: Logged) -> None:
    with logged.client() as client:
        with pytest.raises(errors.MetranaQueryRpcError, match=r'^NOT_FOUND: no run "nope"'):
            client.fetch_float_series("nope", "loss()")
        with pytest.raises(errors.MetranaQueryRpcError, match=r"^INVALID_ARGUMENT: .*column 6"):
            client.fetch_float_series("run-0", "loss(")
        with pytest.raises(errors.MetranaQueryConfigError, match="limit must be 1 or more, not 0"):
            client.fetch_runs(limit=0)
        with pytest.raises(errors.MetranaQueryConfigError, match="not 3"):
            client.fetch_float_series([3], "loss()")  # type: ignore[list-item]
        with pytest.raises(errors.MetranaQueryConfigError, match=r"ListFloatSeries: .*no_such"):
            list(client._reader.pages("ListFloatSeries", {"no_such": 1}))
        with pytest.raises(errors.MetranaQueryConfigError, match=r"no method 'Drop'|\"Drop\""):
            list(client._reader.pages("Drop", {}))
    with pytest.raises(errors.MetranaQueryConfigError, match="closed"):
        client.fetch_runs()
    client.close()


def test_where_to_read_from(logged: Logged, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.MetranaQueryConfigError, match="METRANA_WORKSPACE"):
        QueryClient(query_url=logged.url)
    with pytest.raises(errors.MetranaQueryConfigError, match=r"'ftp://x'|\"ftp://x\""):
        QueryClient(workspace_name="w", query_url="ftp://x")
    monkeypatch.setenv("METRANA_WORKSPACE", "w")
    monkeypatch.setenv("METRANA_INGESTION_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("METRANA_QUERY_API_URL", logged.url)
    with QueryClient() as client:
        assert list(client.fetch_projects()["name"]) == ["p"]
        with pytest.raises(errors.MetranaQueryConfigError, match="METRANA_PROJECT"):
            client.fetch_runs()


def test_no_server_is_a_transport_error() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(errors.MetranaQueryTransportError, match="no server answers"):
            _reader.Reader(url, None, connect_timeout_secs=0.3)


def test_a_server_that_goes_is_a_transport_error(server: ServerProcess) -> None:
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        server.kill()
        with pytest.raises(errors.MetranaQueryTransportError, match=r"^UNAVAILABLE"):
            client.fetch_runs()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="has no fork")
def test_a_forked_child_is_told_to_make_its_own(logged: Logged) -> None:
    script = f"""
import os, sys
from metrana.query import QueryClient
client = QueryClient(workspace_name="w", project_name="p", query_url={logged.url!r})
child = os.fork()
if child == 0:
    try:
        client.fetch_runs()
    except Exception as error:
        print(type(error).__name__, flush=True)
    with QueryClient(workspace_name="w", project_name="p", query_url={logged.url!r}) as own:
        print(len(own.fetch_runs()), flush=True)
    os._exit(0)
os.waitpid(child, 0)
print(len(client.fetch_runs()))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    assert done.stdout.split() == ["MetranaProcessForkError", str(RUNS), str(RUNS)], done.stderr


def test_long_reads_show_a_bar(
    logged: Logged, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import tqdm.auto

    shown: list[float] = []

    class Bar(tqdm.auto.tqdm):  # type: ignore[misc]
        def update(self, n: float = 1) -> None:
            shown.append(n)
            super().update(n)

    monkeypatch.setattr(tqdm.auto, "tqdm", Bar)
    monkeypatch.setattr(points, "_POINTS_A_PAGE", 1)
    monkeypatch.setattr(_reader, "_SLICE_MILLIS", 1)
    with logged.client(progress=True) as client:
        client.fetch_float_series("run-0", "loss()")
    assert sum(shown) == POINTS
    assert len(shown) > 2, "it is told on the way, too"
    assert min(shown) >= 0
    shown.clear()
    with logged.client(progress=True) as client:
        found = client.fetch_rl_env_float_series("run-0", "env-1", episode=2)
    assert sum(shown) == sum(len(one) for one in found) == STEPS


def test_without_pandas_columns_are_still_there(logged: Logged) -> None:
    script = f"""
import sys
sys.modules["pandas"] = sys.modules["pyarrow"] = sys.modules["tqdm"] = None
from metrana.query import QueryClient
where = dict(workspace_name="w", project_name="p", query_url={logged.url!r})
with QueryClient(**where, progress=True) as c:
    print(len(c.fetch_float_series("run-0", "loss()")[0].values))
    for call in (c.fetch_runs, c.fetch_float_series("run-0", "loss()").to_arrow):
        try:
            call()
        except Exception as error:
            print(error)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True
    )
    first, *refused = done.stdout.splitlines()
    assert first == str(POINTS)
    assert len(refused) == 2
    assert all('pip install "metrana[query]"' in line for line in refused)


# The command line


def _metrana(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metrana", *arguments, "--url", url],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_ls(logged: Logged) -> None:
    assert _metrana(logged.url, "ls").stdout.split() == ["WORKSPACE", "w"]
    assert _metrana(logged.url, "ls", "w").stdout.split() == ["PROJECT", "RUNS", "p", str(RUNS)]
    lines = _metrana(logged.url, "ls", "w/p").stdout.splitlines()
    assert lines[0].split() == ["RUN", "STATUS", "CREATED"]
    assert {line.split()[0] for line in lines[1:]} == set(logged.configs)
    assert "CLOSED" in lines[1]
    series = _metrana(logged.url, "ls", "w/p/run-0").stdout
    assert "acc(split=a,b)  ML_STEP" in series
    assert "reward" in series
    wrong = _metrana(logged.url, "ls", "w//p")
    assert wrong.returncode == 1
    assert "'w//p' is not" in wrong.stderr


def test_a_label_may_be_named_like_a_column(server: ServerProcess) -> None:
    with metrana.init(
        api_key="k", workspace_name="w", project_name="p", run_name="r", ingestion_url=server.url
    ):
        metrana.log("loss", 1.0, labels={"$column": "x"})
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        (one,) = client.fetch_float_series("r", "loss()")
    assert one.series.labels == {"$column": "x"}


def test_requests_are_json(logged: Logged) -> None:
    with logged.client() as client:
        (page,) = client._reader.pages("ListRuns", client._in_project() | {"limit": 2}, 2)
    assert len(page["runs"]) == 2
    assert json.dumps(page["runs"])
