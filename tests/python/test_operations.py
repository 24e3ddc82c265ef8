"""What an operator does: archive, delete, retain, back up, restore; with and without a server."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import metrana
from conftest import ServerProcess
from metrana import errors
from metrana.query import QueryClient


def run_metrana(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "metrana", *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def log_run(server: ServerProcess, name: str, points: int = 100, project: str = "p") -> None:
    with metrana.init(
        api_key="k", workspace_name="w", project_name=project, run_name=name,
        ingestion_url=server.url,
    ):  # fmt: skip
        metrana.log({"loss": np.arange(float(points))})


def names(server: ServerProcess, project: str = "p") -> list[str]:
    with QueryClient(workspace_name="w", project_name=project, query_url=server.url) as client:
        return sorted(client.fetch_runs()["name"])


def test_archive_and_delete_through_the_server_and_without(server: ServerProcess) -> None:
    for name in ("a", "b", "c"):
        log_run(server, name)
    log_run(server, "other", project="q")
    data = ["--data-dir", str(server.data_dir)]
    assert run_metrana("archive", "w/p/a", *data).stdout == "archived w/p/a (1 run)\n"
    with QueryClient(workspace_name="w", project_name="p", query_url=server.url) as client:
        assert client.list_run_attributes("a")["sys/archived"] is True
        refused = run_metrana("delete", "w/p/a", *data, stdin="n\n")
        assert refused.returncode == 1
        assert "nothing was deleted" in refused.stderr
        deleted = run_metrana("delete", "w/p/a", "--yes", *data)
        assert deleted.stdout == "deleted w/p/a (1 run)\n", deleted.stderr
        with pytest.raises(errors.MetranaQueryRpcError, match="NOT_FOUND"):
            client.fetch_float_series("a", "loss()")
    assert names(server) == ["b", "c"]
    log_run(server, "a", points=3)  # the name is free again
    missing = run_metrana("delete", "w/p/nope", "--yes", *data)
    assert missing.returncode == 1
    assert 'there is no such run: "nope"' in missing.stderr
    wrong = run_metrana("delete", "w", "--yes", *data)
    assert wrong.returncode == 1
    assert '"w" is neither' in wrong.stderr
    server.stop()
    assert run_metrana("unarchive", *data, "w/p").stdout == "unarchived w/p (3 runs)\n"
    assert run_metrana("delete", *data, "w/p/b", stdin="y\n").stdout == "deleted w/p/b (1 run)\n"
    server.restart()
    assert names(server) == ["a", "c"]
    assert run_metrana("delete", "w/p", *data, "--yes").stdout == "deleted w/p (2 runs)\n"
    with QueryClient(workspace_name="w", query_url=server.url) as client:
        assert list(client.fetch_projects()["name"]) == ["q"]
    server.stop()
    assert "no fault found" in run_metrana("check", str(server.data_dir)).stdout


def test_deleting_a_run_stops_its_logger(server: ServerProcess) -> None:
    metrana.init(
        api_key="k", workspace_name="w", project_name="p", run_name="r",
        ingestion_url=server.url, error_strategy="raise_on_close",
    )  # fmt: skip
    metrana.log("loss", 1.0)
    metrana.flush()
    assert (
        run_metrana("delete", "w/p/r", "--yes", "--data-dir", str(server.data_dir)).returncode == 0
    )
    metrana.log("loss", 2.0)
    with pytest.raises(errors.MetranaClosingError, match=r"no run with id|was deleted"):
        metrana.close()
    assert names_of_workspace(server) == ["p"]


def names_of_workspace(server: ServerProcess) -> list[str]:
    with QueryClient(workspace_name="w", query_url=server.url) as client:
        return sorted(client.fetch_projects()["name"])


def test_retain_deletes_what_ended_long_ago(server: ServerProcess) -> None:
    log_run(server, "old")
    data = ["--data-dir", str(server.data_dir)]
    assert run_metrana("retain", "--older-than", "1h", *data).stdout == "deleted 0 runs\n"
    dry = run_metrana("retain", "--older-than", "1ns", "--dry-run", *data)
    assert dry.stdout == "would delete w/p/old\nwould delete 1 run\n"
    assert names(server) == ["old"]
    other = run_metrana("retain", "--older-than", "1ns", "--project", "w/q", *data)
    assert other.stdout == "deleted 0 runs\n"
    done = run_metrana("retain", "--older-than", "1ns", *data)
    assert done.stdout == "deleted w/p/old\ndeleted 1 run\n"
    assert names(server) == []
    for arguments in ([], ["--older-than", "soon"], ["--older-than", "0d"]):
        assert run_metrana("retain", *arguments, *data).returncode != 0


def test_backup_while_logging_and_restore(server: ServerProcess, tmp_path: Path) -> None:
    log_run(server, "before", points=5000)
    stop = threading.Event()
    metrana.init(
        api_key="k", workspace_name="w", project_name="p", run_name="during",
        ingestion_url=server.url,
    )  # fmt: skip
    metrana.log({"loss": np.ones(100)})
    metrana.flush()

    def work() -> None:
        while not stop.is_set():
            metrana.log({"loss": np.ones(100)})

    writer = threading.Thread(target=work)
    writer.start()
    try:
        backup = tmp_path / "backup"
        done = run_metrana("backup", str(backup), "--data-dir", str(server.data_dir))
    finally:
        stop.set()
        writer.join()
        metrana.close()
    assert done.stdout == f"backed up to {backup}\n", done.stderr
    again = run_metrana("backup", str(backup), "--data-dir", str(server.data_dir))
    assert again.returncode == 1
    assert "exists already" in again.stderr
    restored = tmp_path / "restored"
    done = run_metrana("restore", str(backup), str(restored))
    assert done.stdout.startswith(f"restored to {restored}: 2 runs, "), done.stderr
    copy = ServerProcess(restored)
    try:
        assert names(copy) == ["before", "during"]
        with QueryClient(workspace_name="w", project_name="p", query_url=copy.url) as client:
            (loss,) = client.fetch_float_series("before", "loss()")
        np.testing.assert_array_equal(loss.values, np.arange(5000.0))
        log_run(copy, "after")
        assert names(copy) == ["after", "before", "during"]
    finally:
        copy.end()
