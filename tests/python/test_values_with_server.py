"""What is logged arrives as it was given, and nothing of a call that is refused."""

from __future__ import annotations

import dataclasses
import datetime
import enum
import math
import pathlib
import subprocess
import sys
import uuid
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from read_back import Reader

Begin = Callable[..., metrana.OpenRun]


@pytest.fixture
def read(server: ServerProcess) -> Reader:
    return Reader(server.url, "ws", "p", "r")


def test_buffers_may_be_overwritten_as_soon_as_the_call_returns(begin: Begin, read: Reader) -> None:
    begin()
    values, steps, times = np.zeros(3), np.zeros(3, np.uint64), np.zeros(3, np.int64)
    block, episodes = np.zeros((2, 3)), np.zeros((2, 3), np.uint64)
    for call in range(20):
        values[:] = steps[:] = times[:] = np.arange(3) + 10 * call
        block[:] = values + np.array([[100], [200]])
        episodes[:] = call
        metrana.log("loss", values, step=steps, timestamp=times)
        metrana.log_rl_environment_step(
            "reward", block, rl_step=0, env_id=["a", "b"], episode=episodes
        )
        for buffer in (values, steps, times, block, episodes):
            buffer.fill(7)
    metrana.close(60)
    points = [
        (step, float(step), step) for call in range(20) for step in range(10 * call, 10 * call + 3)
    ]
    assert read.float_series("loss()")[""] == points
    for episode in range(20):
        for name, base in (("a", 100.0), ("b", 200.0)):
            rewards = read.rl_series(name, episode=episode)["reward", "ENVIRONMENT_STEP"]
            assert rewards == [(i, base + 10 * episode + i) for i in range(3)]


LOGGING = """
import sys, array, numpy as np, metrana
run = metrana.init(ingestion_url=sys.argv[1], workspace_name="w", project_name="p", run_name="r")
metrana.log("loss", np.ones(3, np.float16), step=array.array("q", [1, 2, 3]))
metrana.log_rl_environment_step("reward", [[1], [2]], rl_step=0, env_id=["a", "b"], episode=[0, 1])
metrana.log_config({"a": np.arange(3), "b": [None]})
assert metrana.close(60).float_points_sent == 3
print(*sorted({name.partition(".")[0] for name in sys.modules}))
"""


def test_logging_imports_no_framework(server: ServerProcess) -> None:
    command = [sys.executable, "-W", "error", "-c", LOGGING, server.url]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "metrana" in loaded
    frameworks = {"torch", "jax", "tensorflow", "pandas", "ml_dtypes", "gymnasium", "av", "google"}
    assert not frameworks & loaded


class Color(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Adam:
    lr: float = 3e-4
    betas: tuple[float, float] = (0.9, 0.999)


def test_a_config_is_read_back(begin: Begin, read: Reader) -> None:
    begin(
        config={
            "adam": Adam(),
            "batch": np.int32(256),
            "color": Color.RED,
            "data": pathlib.PurePosixPath("/data"),
            "id": uuid.UUID(int=7),
            "layers": [64, {"units": 32}],
            "half": np.array([0.5], np.float16),
            "on": True,
            "when": datetime.datetime(2024, 1, 2, 3, 4, 5, 678901, datetime.timezone.utc),
            "huge": 2**64 - 1,
            "gone": 1,
            "key_\u2764": "\u2764",
        }
    )
    metrana.log_config({"gone": None, "nan": math.nan, "inf": np.float32(math.inf)})
    metrana.log_config({"batch": 512})
    metrana.close(60)
    attributes = read.attributes()
    when = attributes.pop("config/when")
    assert (when.seconds, when.nanos) == (1704164645, 678901000)
    for null in ("config/gone", "config/nan", "config/inf"):
        assert attributes.get(null) is None
    config = {path: value for path, value in attributes.items() if path.startswith("config/")}
    assert {path: value for path, value in config.items() if value is not None} == {
        "config/adam/betas/0": 0.9,
        "config/adam/betas/1": 0.999,
        "config/adam/lr": 3e-4,
        "config/batch": 512,
        "config/color": "red",
        "config/data": "/data",
        "config/half/0": 0.5,
        "config/huge": float(2**64 - 1),
        "config/id": "00000000-0000-0000-0000-000000000007",
        "config/layers/0": 64,
        "config/layers/1/units": 32,
        "config/on": True,
        "config/key_\u2764": "\u2764",
    }


def test_tags_and_description(begin: Begin, read: Reader) -> None:
    begin(tags=["baseline", "v2"], description="first")
    metrana.add_tags(["a b,c", "v2"])
    metrana.remove_tags(["baseline", "never there"])
    metrana.set_description("LR sweep, seed 0")
    assert metrana.flush(60)
    found = read.attributes()
    assert (set(found["sys/tags"]), found["sys/description"]) == (
        {"v2", "a b,c"},
        "LR sweep, seed 0",
    )
    metrana.set_tags(["only"])
    metrana.log_attributes("sys", {"description": "by its path"})
    assert metrana.flush(60)
    found = read.attributes()
    assert (found["sys/tags"], found["sys/description"]) == (["only"], "by its path")
    metrana.set_tags([])
    metrana.set_description("")
    metrana.close(60)
    found = read.attributes()
    assert not found.get("sys/tags")
    assert not found.get("sys/description")


def test_only_the_creator_describes_the_run(
    begin: Begin, read: Reader, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
    for arguments in (["init", "-q"], [*identity, "commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run(["git", *arguments], cwd=tmp_path, check=True)
    shown = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    monkeypatch.chdir(tmp_path)
    begin(config={"a": 1}, tags=["first"], description="first")
    metrana.close(60)
    monkeypatch.chdir("/")
    begin(config={"a": 2, "b": 3}, tags=["second"], description="second")
    metrana.close(60)
    found = read.attributes()
    assert found["git/commit_sha"] == shown.stdout.strip()
    assert (found["config/a"], found["sys/tags"], found["sys/description"]) == (
        1,
        ["first"],
        "first",
    )
    assert "config/b" not in found


BAD_PATHS = [
    *("has space", "tab\t", "new\nline", "nul\0", "\u2003", "\x85", ":start"),
    *(f"a{character}b" for character in '()[],=<>!~"|'),
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_cannot_be_is_named_and_nothing_is_sent(begin: Begin, path: str) -> None:
    begin()
    refused: list[Callable[[], object]] = [
        lambda: metrana.log_attributes("", {"a": 1, path: 2, "z": 3}),
        lambda: metrana.log_env_attributes("env", {"a": 1, path: 2, "z": 3}),
    ]
    if not path.startswith(":"):
        refused.append(lambda: metrana.log_config({"a": 1, path: 2}))
    before = metrana.get_metrics()
    for call in refused:
        with pytest.raises(metrana.MetranaValidationError, match="invalid attribute path") as error:
            call()
        assert "must not" in str(error.value)
    after = metrana.get_metrics()
    assert after.attribute_updates_added == before.attribute_updates_added
    assert after.env_attribute_updates_added == before.env_attribute_updates_added


def test_other_paths_are_the_users_own(begin: Begin, read: Reader) -> None:
    paths = [
        "a//b",
        "/a",
        "a/",
        ".",
        "50%",
        "#1",
        "a@b+c",
        "a\\b",
        "\u00e9",
        "x" * 5000,
        "a:b",
        "c-d._",
    ]
    begin()
    metrana.log_attributes("", dict.fromkeys(paths, 1))
    metrana.close(60)
    found = read.attributes()
    assert [path for path in paths if found.get(path) != 1] == []


@pytest.mark.parametrize(
    ("prefix", "value"),
    [
        ("sys", 1),
        ("sys/status", "CLOSED"),
        ("sys", {"name": "x"}),
        ("", {"sys": {"name": "x"}}),
        ("sys/tags", "baseline"),
        ("sys/tags", 1),
        ("sys/tags", {"a": 1}),
        ("sys/description", 3),
        ("sys/description", None),
        ("sys/description", ["a"]),
        ("", 3),
    ],
)
def test_the_systems_own_paths_are_reserved(begin: Begin, prefix: str, value: Any) -> None:
    begin()
    before = metrana.get_metrics().attribute_updates_added
    with pytest.raises(metrana.MetranaValidationError, match="attribute"):
        metrana.log_attributes(prefix, value)
    assert metrana.get_metrics().attribute_updates_added == before


def test_attributes_of_environments_have_rules_of_their_own(begin: Begin) -> None:
    begin()
    metrana.log_env_attributes("env", {"sys": {"anything": 1}, "a/environment_id": 1})
    for path in ("environment_id", "latest_episode", "latest_rl_step"):
        with pytest.raises(metrana.MetranaValidationError, match=f'"{path}" is reserved'):
            metrana.log_env_attributes("env", {"a": 1, path: 1})
    with pytest.raises(metrana.MetranaValidationError, match="must not be empty"):
        metrana.log_env_attributes("env", 3)
    with pytest.raises(metrana.MetranaValidationError, match="invalid environment id"):
        metrana.log_env_attributes("a/b", {"a": 1})
    assert metrana.close(60).env_attribute_updates_sent == 2


@pytest.mark.parametrize("config", [{"ok": 1, "not ok": 1}, {"a": {"b|c": 1}}])
def test_a_config_that_cannot_be_is_refused_before_the_run_exists(
    begin: Begin, read: Reader, config: dict[str, Any]
) -> None:
    with pytest.raises(metrana.MetranaValidationError, match="invalid attribute path"):
        begin(config=config)
    assert not metrana.is_initialized()
    begin(config={"ok": 2})  # as the creator
    metrana.close(60)
    assert read.attributes()["config/ok"] == 2


def test_experiment_and_fork_point_arrive(begin: Begin, server: ServerProcess) -> None:
    begin(run_name="parent", experiment_name="sweep")
    metrana.log("loss", [3.0, 2.0, 1.0])
    metrana.close(60)
    begin(run_name="child", fork_from_run="parent", fork_at_step=1)
    metrana.close(60)
    parent = Reader(server.url, "ws", "p", "parent").attributes()
    child = Reader(server.url, "ws", "p", "child").attributes()
    assert parent["sys/experiment/name"] == "sweep"
    assert (child["sys/forking/parent_run_name"], child["sys/forking/step"]) == ("parent", 1)
    assert "sys/experiment/name" not in child
    assert "sys/forking/step" not in parent


def test_what_the_server_does_not_have_is_said_at_once(begin: Begin) -> None:
    for given, message in (
        ({"project_name": "q", "create_project_if_missing": False}, 'no such project: "q"'),
        ({"fork_from_run": "nobody", "fork_at_step": 1}, 'no such parent run: "nobody"'),
    ):
        with pytest.raises(metrana.MetranaLoggerInitError, match=message):
            begin(**given)
        assert not metrana.is_initialized()
    begin(project_name="q")
    metrana.close(60)
    begin(project_name="q", run_name="other", create_project_if_missing=False)
