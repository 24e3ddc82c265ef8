"""Processor, memory and GPUs of the machine: a real server, and the driver of a GPU built here."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

import metrana
from conftest import ServerProcess
from metrana import api, system_metrics
from metrana.frames import FloatSeries, SeriesId
from metrana.query import QueryClient

Begin = Callable[..., metrana.OpenRun]

HOST = ["cpu_percent", "memory_gib", "memory_percent"]
PROCESS = ["process_cpu_percent", "process_memory_gib"]
GIB = 1 << 30
GPU = [
    "gpu_memory_gib",
    "gpu_memory_percent",
    "gpu_percent",
    "gpu_temperature_celsius",
]

# What NVML is asked for, for two GPUs, of which none tells its power. The second one is lost
# after the first sample.
DRIVER = """
typedef struct { unsigned long long total, free, used; } memory;
typedef struct { unsigned gpu, memory; } utilization;
static int asked;
int nvmlInitWithFlags(unsigned flags) { return 0; }
int nvmlInit_v2(void) { return 0; }
int nvmlShutdown(void) { return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 2; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned i, void **gpu) { *gpu = (char *)0 + i + 1; return 0; }
int nvmlDeviceGetUtilizationRates(void *gpu, utilization *out) {
    if (gpu == (char *)0 + 2 && asked++ > 0) return 15;
    out->gpu = gpu == (char *)0 + 1 ? 87 : 12;
    out->memory = 0;
    return 0;
}
int nvmlDeviceGetMemoryInfo(void *gpu, memory *out) {
    out->total = 80ull << 30;
    out->used = 20ull << 30;
    out->free = out->total - out->used;
    return 0;
}
int nvmlDeviceGetPowerUsage(void *gpu, unsigned *out) { return 3; }
int nvmlDeviceGetTemperature(void *gpu, int sensor, unsigned *out) { *out = 61; return 0; }
"""


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sample in a moment, and then one after the other."""
    monkeypatch.setattr(system_metrics, "_FIRST_SECS", 0.02)
    monkeypatch.setattr(system_metrics, "_PERIOD_SECS", 0.02)


def log_samples(count: int) -> None:
    """Closes the run after so many points."""
    deadline = time.monotonic() + 20
    while metrana.get_metrics().float_points_added < count:
        assert time.monotonic() < deadline, "no samples are logged"
        time.sleep(0.01)
    metrana.close()


def logged(server: ServerProcess) -> dict[str, FloatSeries]:
    """All series of the run, by their keys."""
    with QueryClient(workspace_name="ws", project_name="p", query_url=server.url) as client:
        names = [f"system/{name}()" for name in HOST + PROCESS + GPU]
        series = client.fetch_float_series("r", names, include_timestamps=True)
    return {one.series.key: one for one in series}


def key(name: str, **labels: str) -> str:
    labels["host"] = socket.gethostname()
    return SeriesId(f"system/{name}", "ML_STEP", dict(sorted(labels.items()))).key


def test_the_machine_is_sampled(server: ServerProcess, begin: Begin, often: None) -> None:
    ballast = np.ones(1 << 24)  # 128 MiB
    begin(system_metrics=True)
    log_samples(4 * len(HOST + PROCESS))
    found = logged(server)
    assert sorted(found) == sorted(key(name) for name in HOST + PROCESS)
    for one in found.values():
        assert one.steps.tolist() == list(range(len(one)))
        assert one.timestamps is not None
        assert abs(one.timestamps[-1] / 1000 - time.time()) < 60
    for name in ("cpu_percent", "memory_percent"):
        values = found[key(name)].values
        assert np.all((values >= 0) & (values <= 100))
    total = psutil.virtual_memory().total / GIB
    shares = found[key("memory_percent")].values / 100
    assert np.allclose(found[key("memory_gib")].values / total, shares, atol=0.01)
    taken = found[key("process_memory_gib")].values
    assert np.all((taken > ballast.nbytes / GIB) & (taken < total))


def test_the_first_sample_knows_how_busy_the_machine_was(
    server: ServerProcess, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_metrics, "_FIRST_SECS", 0.3)
    begin(system_metrics=True)
    while metrana.get_metrics().float_points_added == 0:
        sum(range(1000))
    metrana.close()
    found = logged(server)
    assert found[key("cpu_percent")].values[0] > 10 / (os.cpu_count() or 1)
    assert found[key("process_cpu_percent")].values[0] > 10


def test_a_further_process_of_a_host_tells_only_of_itself(
    server: ServerProcess, begin: Begin, often: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCAL_RANK", "1")
    monkeypatch.setenv("RANK", "5")
    begin(system_metrics=True)
    log_samples(len(PROCESS))
    assert sorted(logged(server)) == sorted(key(name, rank="5") for name in PROCESS)


def test_a_run_that_goes_on_goes_on_with_its_series(
    server: ServerProcess, begin: Begin, often: None
) -> None:
    for _ in range(2):
        begin(system_metrics=True, resume_strategy="allow")
        log_samples(2 * len(HOST + PROCESS))
    steps = logged(server)[key("cpu_percent")].steps
    assert len(steps) >= 4
    assert steps.tolist() == list(range(len(steps)))


def test_nothing_is_sampled_unless_asked_for(begin: Begin) -> None:
    begin()
    assert "metrana-system" not in {thread.name for thread in threading.enumerate()}


def test_the_thread_ends_with_the_run(begin: Begin, often: None) -> None:
    begin(system_metrics=True)
    assert "metrana-system" in {thread.name for thread in threading.enumerate()}
    metrana.close()
    assert "metrana-system" not in {thread.name for thread in threading.enumerate()}


def test_a_sample_that_fails_is_left_out_and_told_of_once(
    server: ServerProcess,
    begin: Begin,
    often: None,
    monkeypatch: pytest.MonkeyPatch,
    messages: list[str],
) -> None:
    calls = 0
    read = psutil.virtual_memory

    def fail_at_first() -> object:
        nonlocal calls
        calls += 1
        if calls <= 2:
            raise OSError(errno.EMFILE, "Too many open files")
        return read()

    monkeypatch.setattr(psutil, "virtual_memory", fail_at_first)
    begin(system_metrics=True)
    log_samples(len(HOST + PROCESS))
    assert sorted(logged(server)) == sorted(key(name) for name in HOST + PROCESS)
    assert sum("Too many open files" in said for said in messages) == 1


def test_ctrl_c_while_a_sample_is_waited_for_closes_the_run(
    begin: Begin, monkeypatch: pytest.MonkeyPatch, messages: list[str]
) -> None:
    def interrupted(sampler: system_metrics.SystemSampler, timeout: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(system_metrics.SystemSampler, "join", interrupted)
    begin(system_metrics=True)
    run = api._run
    assert run is not None
    with pytest.raises(KeyboardInterrupt):
        metrana.close()
    assert any("interrupted while closing" in said for said in messages)
    with pytest.raises(metrana.errors.MetranaError):
        run._engine.series("loss", "ML_STEP", (), "ordered")  # it is closed


def test_without_psutil_no_run_is_opened(
    server: ServerProcess, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(metrana.errors.MetranaLoggerInitError, match=r"metrana\[system\]"):
        begin(system_metrics=True)
    with (
        QueryClient(workspace_name="ws", project_name="p", query_url=server.url) as client,
        pytest.raises(metrana.errors.MetranaQueryRpcError, match="no workspace"),
    ):
        client.fetch_projects()


def test_losses_are_left_to_the_program(server: ServerProcess, begin: Begin) -> None:
    """A sample must not take the error that is the loop's to raise."""
    begin(
        system_metrics=True,
        error_strategy="raise_on_log",
        max_send_retries=0,
        batch_max_age_secs=0.01,
    )
    run = api._run
    assert run is not None
    assert run._sampler is not None
    server.kill()
    deadline = time.monotonic() + 20
    while metrana.get_metrics().send_errors == 0:
        assert time.monotonic() < deadline, "nothing is lost"
        time.sleep(0.01)
    run._sampler.sample(run._engine, system_metrics.Gpus())
    with pytest.raises(metrana.errors.MetranaSenderError):
        metrana.log("loss", 1.0)


SCRIPT = """
import sys, time, metrana
from metrana import system_metrics
system_metrics._FIRST_SECS = system_metrics._PERIOD_SECS = 0.02
metrana.init(
    workspace_name="ws", project_name="p", run_name="r", ingestion_url=sys.argv[1],
    system_metrics=True,
)
while metrana.get_metrics().float_points_added < 60:
    time.sleep(0.01)
metrana.close()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="puts a driver where Linux looks for it")
def test_gpus_are_sampled(server: ServerProcess, tmp_path: Path) -> None:
    source = tmp_path / "driver.c"
    source.write_text(DRIVER)
    driver = tmp_path / "libnvidia-ml.so.1"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", driver, source], check=True)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, server.url],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
        check=True,
        capture_output=True,
        text=True,
    )
    found = logged(server)
    gpus = [key(name, gpu=gpu) for name in GPU for gpu in ("0", "1")]
    assert sorted(found) == sorted([key(name) for name in HOST + PROCESS] + gpus)
    values = {name: set(found[key(name, gpu="0")].values) for name in GPU}
    assert values == {
        "gpu_memory_gib": {20.0},
        "gpu_memory_percent": {25.0},
        "gpu_percent": {87.0},
        "gpu_temperature_celsius": {61.0},
    }
    assert found[key("gpu_percent", gpu="1")].values.tolist() == [12.0]
    assert done.stderr.count("no further metrics of GPU 1: GPU is lost") == 1
