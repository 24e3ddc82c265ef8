"""Processor, memory and GPUs of this machine, as series of the run.

    psutil, NVML  ->  one thread, every 10 s  ->  Engine.sample  ->  the run's queue

What a machine has as a whole is logged by the process whose local rank is 0, or that has
none; what a process takes, by each of them. All series are named `system/…`, have a point
for each sample and the label `host`; those of a process the label `rank`, where it has one,
those of a GPU the label `gpu`, its number as NVML counts.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple

from metrana.errors import MetranaError, MetranaLoggerInitError
from metrana.messages import logger

if TYPE_CHECKING:
    from metrana._engine import Engine

# Between two samples. The first one comes sooner, so that a short run has some.
_PERIOD_SECS = 10.0
_FIRST_SECS = 1.0

_GIB = 1 << 30

# How long close waits for a sample that is being taken.
_PATIENCE_SECS = 2.0

# Set by torchrun, Slurm and Open MPI.
_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK")
_LOCAL_RANKS = ("LOCAL_RANK", "SLURM_LOCALID", "OMPI_COMM_WORLD_LOCAL_RANK")


class Reading(NamedTuple):
    """One number of a sample."""

    name: str
    label: tuple[str, str] | None
    """Beside that of the host."""
    value: float


class Processors:
    """What psutil tells of the machine and of this process."""

    def __init__(self) -> None:
        """Finds the process.

        Raises:
            MetranaLoggerInitError: psutil is not installed.
        """
        try:
            import psutil
        except ModuleNotFoundError as error:
            raise MetranaLoggerInitError(
                f"system_metrics needs psutil, which is not there ({error}): "
                "pip install 'metrana[system]'"
            ) from error
        self._psutil = psutil
        self.failures = (OSError, psutil.Error)
        """What reading may raise, as where no further file can be opened."""
        self._process = psutil.Process()
        self._host_wide = _is_first_of_host()
        rank = _variable(_RANKS)
        self._rank = None if rank is None else ("rank", rank)

    def begin(self) -> None:
        """Shares of processor time are of what passed since, or since the sample before.

        psutil keeps the former by thread.
        """
        self._psutil.cpu_percent()
        self._process.cpu_percent()

    def read(self) -> Iterator[Reading]:
        """Percent are of all processors of the machine, but of one for a process."""
        if self._host_wide:
            memory = self._psutil.virtual_memory()
            yield Reading("cpu_percent", None, self._psutil.cpu_percent())
            yield Reading("memory_percent", None, memory.percent)
            yield Reading("memory_gib", None, (memory.total - memory.available) / _GIB)
        yield Reading("process_cpu_percent", self._rank, self._process.cpu_percent())
        yield Reading("process_memory_gib", self._rank, self._process.memory_info().rss / _GIB)


class Gpus:
    """What NVML tells of the machine's GPUs; none where there is no driver."""

    def __init__(self) -> None:
        """Finds them."""
        self._nvml: ModuleType | None = None
        self._handles: dict[int, Any] = {}
        if not _is_first_of_host():
            return
        try:
            import pynvml
        except ModuleNotFoundError:
            return  # as on macOS, where metrana[system] does not bring it
        try:
            pynvml.nvmlInit()
            self._nvml = pynvml
            count = pynvml.nvmlDeviceGetCount()
        except pynvml.NVMLError as error:
            logger.debug("no GPUs are sampled: {}", error)
            return
        for i in range(count):
            try:
                self._handles[i] = pynvml.nvmlDeviceGetHandleByIndex(i)
            except pynvml.NVMLError as error:  # noqa: PERF203 - of this GPU alone
                logger.warning("GPU {} is not sampled: {}", i, error)

    def read(self) -> Iterator[Reading]:
        """What a GPU does not support is left out, and so is from then on one that fails."""
        if self._nvml is None:
            return
        for i, handle in list(self._handles.items()):
            try:
                yield from _of_gpu(self._nvml, handle, ("gpu", str(i)))
            except self._nvml.NVMLError as error:  # noqa: PERF203 - of this GPU alone
                logger.warning("no further metrics of GPU {}: {}", i, error)
                del self._handles[i]

    def close(self) -> None:
        """Lets the driver go."""
        if self._nvml is not None:
            with contextlib.suppress(self._nvml.NVMLError):  # of GPUs that are lost
                self._nvml.nvmlShutdown()


def _of_gpu(nvml: ModuleType, handle: Any, label: tuple[str, str]) -> Iterator[Reading]:
    """The reference of NVML says what each number is: percent, bytes, milliwatts, °C."""

    def memory() -> dict[str, float]:
        of = nvml.nvmlDeviceGetMemoryInfo(handle)
        return {"gpu_memory_gib": of.used / _GIB, "gpu_memory_percent": 100 * of.used / of.total}

    questions: list[Callable[[], dict[str, float]]] = [
        lambda: {"gpu_percent": nvml.nvmlDeviceGetUtilizationRates(handle).gpu},
        memory,
        lambda: {"gpu_power_watts": nvml.nvmlDeviceGetPowerUsage(handle) / 1000},
        lambda: {
            "gpu_temperature_celsius": nvml.nvmlDeviceGetTemperature(
                handle, nvml.NVML_TEMPERATURE_GPU
            )
        },
    ]
    for question in questions:
        try:
            answer = question()
        except (nvml.NVMLError_NotSupported, nvml.NVMLError_FunctionNotFound):
            continue
        for name, value in answer.items():
            yield Reading(name, label, value)


class SystemSampler:
    """Samples the machine until it is stopped."""

    def __init__(self) -> None:
        """Looks what there is to sample.

        Raises:
            MetranaLoggerInitError: psutil is not installed.
        """
        self._processors = Processors()
        self._host = ("host", socket.gethostname())
        self._series: dict[tuple[str, tuple[str, str] | None], tuple[int, int]] = {}
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._warned = False

    def start(self, engine: Engine) -> None:
        """Samples from now on into the run of an engine."""
        self._thread = threading.Thread(
            target=self._run, args=(engine,), name="metrana-system", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Takes no further sample."""
        self._stopped.set()

    def join(self, timeout: float) -> None:
        """Waits for the sample under way, if any; of one that hangs no longer than a moment."""
        if self._thread is not None:
            self._thread.join(min(timeout, _PATIENCE_SECS))

    def _run(self, engine: Engine) -> None:
        gpus = Gpus()
        try:
            self._begin()
            pause = _FIRST_SECS
            while not self._stopped.wait(pause):
                self.sample(engine, gpus)
                pause = _PERIOD_SECS
        except MetranaError as error:
            if not self._stopped.is_set():  # else the engine was closed under a slow sample
                logger.warning("no further system metrics: {}", error)
        finally:
            gpus.close()

    def _begin(self) -> None:
        try:
            self._processors.begin()
        except self._processors.failures as error:
            self._warn(error)

    def sample(self, engine: Engine, gpus: Gpus) -> None:
        """Logs one point of each series; of those that cannot be read now, none."""
        try:
            readings = [*self._processors.read()]
        except self._processors.failures as error:
            self._warn(error)
            readings = []
        for reading in (*readings, *gpus.read()):
            self._log(engine, reading)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            self._warned = True
            logger.warning("processor and memory are left out of samples where {!r}", error)

    def _log(self, engine: Engine, reading: Reading) -> None:
        key = (reading.name, reading.label)
        if key not in self._series:
            labels = tuple(sorted([self._host, *([reading.label] if reading.label else [])]))
            # Unordered: another process of this host may sample into the same series.
            series = engine.series(f"system/{reading.name}", "ML_STEP", labels, "unordered")
            last = engine.last_step(series)
            self._series[key] = series, 0 if last is None else last + 1
        series, step = self._series[key]
        if engine.sample(series, float(reading.value), step):
            self._series[key] = series, step + 1


def _is_first_of_host() -> bool:
    return _variable(_LOCAL_RANKS) in (None, "0")


def _variable(names: tuple[str, ...]) -> str | None:
    return next((os.environ[name] for name in names if os.environ.get(name)), None)
