"""The functions of `metrana`, over the one run that this process has open."""

from __future__ import annotations

import atexit
import functools
import os
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from metrana import settings
from metrana.enums import (
    BackpressureStrategy,
    Compression,
    ErrorStrategy,
    LogLevel,
    ResumeStrategy,
    RunMode,
    StandardMetricScale,
)
from metrana.errors import MetranaClosingError, MetranaNotInitializedError
from metrana.messages import logger
from metrana.metrics import Metrics
from metrana.run import DEFAULT_ENVIRONMENT, EnvironmentIds, Run

_lock = threading.RLock()
"""Held while the run is opened or closed. Logging never takes it."""

_run: Run | None = None

_disabled = False
"""A run in the mode `disabled` is open: there is no `_run`, and nothing happens."""

_opened = 0
"""How many runs were opened so far, which tells an `OpenRun` of an earlier one."""


def _nothing_is_open(name: object, value: object) -> bool:  # noqa: ARG001
    return False


_NO_METRICS = Metrics()

_fast_log: Callable[[Any, Any], bool] = _nothing_is_open
"""Logs a plain number to a known series, or returns False: then the ordinary way decides."""


def init(
    *,
    workspace_name: str,
    project_name: str,
    run_name: str,
    api_key: str | None = None,
    experiment_name: str | None = None,
    ingestion_url: str | None = None,
    resume_strategy: ResumeStrategy | str | None = None,
    orchestration_id: str | None = None,
    backpressure_strategy: BackpressureStrategy | str | None = None,
    compression: Compression | str = Compression.NONE,
    error_strategy: ErrorStrategy | str | None = None,
    log_level: LogLevel | str | None = None,
    autoconfigure_loguru: bool = True,
    create_project_if_missing: bool = True,
    logger_id: int | None = None,
    fork_from_run: str | None = None,
    fork_at_step: int | None = None,
    tags: Sequence[str] | None = None,
    description: str | None = None,
    config: object = None,
    queue_capacity: int | None = None,
    enqueue_timeout_secs: float = 0.1,
    init_timeout_secs: float = 120.0,
    connect_timeout_secs: float = 5.0,
    max_pending_requests: int = 30,
    max_send_retries: int | None = 60,
    send_retry_initial_backoff_secs: float = 0.05,
    send_retry_max_backoff_secs: float = 15.0,
    batch_max_age_secs: float = 1.0,
    max_msg_size: int = 1024 * 1024,
    system_metrics: bool | None = None,
    rendering_output_dir: str | os.PathLike[str] | None = None,
    rendering_fps: float = 30,
    rendering_max_concurrent_encoders: int = 1,
    rendering_queue_max_size: int | None = None,
    skip_drain_render_on_close: bool | None = None,
    rendering_close_timeout: float | None = None,
    rendering_upload: bool | None = None,
    mode: RunMode | str | None = None,
) -> OpenRun:
    """Opens a run and prints its address in the dashboard.

    Blocks until the server has answered. A second call without `close` in between
    warns once and is ignored. Enum arguments also take their values in any case
    and their CamelCase names: `"drop_new"`, `"DropNew"`.

    A child of `fork()` need not call it: its first log call makes it a writer of its
    own in the run, which starts from the server's last steps.

    Args:
        workspace_name: The workspace; a server in local mode creates it.
        project_name: The project inside the workspace.
        run_name: The run inside the project.
        api_key: Else `METRANA_API_KEY`; a server on this machine needs none.
        experiment_name: Groups runs of a project.
        ingestion_url: Else `METRANA_INGESTION_URL`, else `http://127.0.0.1:7420`.
            `http://` is cleartext, `https://` is TLS.
        resume_strategy: Whether a run that another job created is continued
            (`allow`) or refused (`never`). Else `METRANA_RESUME_STRATEGY`, else `never`.
        orchestration_id: What the processes of one job share. Else
            `METRANA_ORCHESTRATION_ID`, else the job id of torchrun, Slurm or Ray,
            else random. Published to `METRANA_ORCHESTRATION_ID` for child processes.
        backpressure_strategy: What a call does when the queue stays full: `drop_new`,
            `block` or `raise`. Else `METRANA_BACKPRESSURE_STRATEGY`, else `drop_new`.
        compression: Of messages to the server: `none` or `zstd`.
        error_strategy: How losses surface: `silent`, `warn`, `raise_on_log` or
            `raise_on_close`. Else `METRANA_ERROR_MODES`, else `warn`.
        log_level: The least level of metrana's own messages that is shown. Else
            `METRANA_LOG_LEVEL`, else `SUCCESS`.
        autoconfigure_loguru: Whether metrana shows its messages itself, unless the
            program has set up loguru.
        create_project_if_missing: Else a missing project is an error.
        logger_id: Tells concurrent writers of a run apart; random, never 0.
        fork_from_run: The run whose points the new run inherits.
        fork_at_step: Up to which step, inclusive; the rl_step for RL metrics.
        tags: Applied, like description and config, only by the process that creates
            the run.
        description: Free text.
        config: Nested dicts, lists, dataclasses; flattened under `config/`.
        queue_capacity: How many calls wait for sending at most. Else
            `METRANA_EVENT_QUEUE_MAX_SIZE`, else 10,000.
        enqueue_timeout_secs: How long a call waits for room in a full queue.
        init_timeout_secs: How long the server may take to answer.
        connect_timeout_secs: How long one attempt to connect may take.
        max_pending_requests: How many requests may be on the wire unacknowledged.
        max_send_retries: Consecutive failures after which data is dropped; None: never.
        send_retry_initial_backoff_secs: The first pause between attempts; it doubles.
        send_retry_max_backoff_secs: The longest pause.
        batch_max_age_secs: How long points wait for company before they are sent.
        max_msg_size: Bytes of a request at most; longer arrays are split.
        system_metrics: Whether processor, memory and GPUs are logged every 10 s, as
            `system/…` with the label `host`. Needs `metrana[system]`. Else
            `METRANA_SYSTEM_METRICS`; off by default.
        rendering_output_dir: Where videos go; `~/.metrana/renderings` by default.
        rendering_fps: Frames per second of videos.
        rendering_max_concurrent_encoders: How many videos are encoded at a time.
        rendering_queue_max_size: Frames waiting for encoding at most; None: any number.
        skip_drain_render_on_close: Whether `close` drops frames not yet encoded. Else
            `METRANA_SKIP_DRAIN_RENDER_ON_CLOSE`.
        rendering_close_timeout: Seconds `close` waits for encoding. Else
            `METRANA_RENDERING_CLOSE_TIMEOUT`; None: until it is done.
        rendering_upload: Whether videos are sent to the server, too, for its pages. Else
            `METRANA_RENDERING_UPLOAD`; off by default.
        mode: `online`, or `disabled`: then no server is asked, no other argument is
            looked at, and every call does nothing. Else `METRANA_MODE`, else `online`.

    Returns:
        The open run, for a `with` statement that closes it; in a notebook it shows
        where to look.

    Raises:
        NoMetranaApiKeyError: No key, towards a server that is not on this machine.
        MetranaValidationError: An impossible value; the text names it.
        MetranaRunAlreadyExistsError: Another job created the run, and the strategy is
            `never`.
        MetranaLoggerInitError: The server refused or did not answer in time.

    Example:
        >>> with metrana.init(
        ...     workspace_name="me", project_name="cartpole", run_name="run-001"
        ... ):
        ...     metrana.log("loss", 0.5)
    """
    arguments = locals()
    global _run, _fast_log, _disabled, _opened
    with _lock:
        if _disabled or (_run is not None and _run.is_of_this_process):
            _ignore_second_init()
            return OpenRun(_opened, _run)
        if settings.run_mode(mode) is RunMode.DISABLED:
            _disabled = True
        else:
            _run = Run(settings.resolve(arguments))
            _fast_log = _run.fast_log
            _close_when_this_process_ends()
        _opened += 1
        return OpenRun(_opened, _run)


def is_initialized() -> bool:
    """Whether a run is open.

    Example:
        >>> metrana.is_initialized()
        True
    """
    return _disabled or _run is not None


@overload
def log(
    metric_name: str,
    value: object,
    *,
    step: object = None,
    timestamp: object = None,
    scale: StandardMetricScale | str | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
) -> None: ...


@overload
def log(
    metric_name: Mapping[str, object],
    *,
    step: object = None,
    timestamp: object = None,
    scale: StandardMetricScale | str | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
) -> None: ...


def log(metric_name: Any, value: Any = None, **options: Any) -> None:  # noqa: D417 - named one by one
    """Logs points of one series, or of several at once, without blocking.

    The series belongs to this process alone: its steps must grow. See
    `log_distributed` for series that several processes write.

    Args:
        metric_name: The metric, or a mapping of metrics to values.
        value: A number or an array [T] of anything array-like. The buffer may be
            overwritten as soon as the call returns.
        step: None goes on from the last step; an int is the step of the first point;
            a sequence gives one to each point.
        timestamp: Unix milliseconds: None is now, an int serves all points, a
            sequence gives one to each.
        scale: What a step counts, `ML_STEP` by default.
        labels: Set series of one name apart.
        evaluation: Adds the label `evaluation=true`.

    Raises:
        MetranaNotInitializedError: No run is open.
        MetranaValidationError: A name, label or step that cannot be. Nothing of the
            call is logged.
        TypeError: Something of the wrong kind. Nothing of the call is logged.
        MetranaEventQueueFullError: The queue stayed full, under the strategy `raise`.
        MetranaSenderError: Data was lost earlier, under the strategy `raise_on_log`.

    Example:
        >>> metrana.log("loss", 0.5)
        >>> metrana.log({"accuracy": 0.9, "lr": 1e-3}, step=100)
    """
    # Spelling the options out would cost a plain call half as much again: each
    # default is looked up in a dict. _log_with has them, for inspect and help.
    if _disabled or (not options and _fast_log(metric_name, value)):
        return
    _log_with(metric_name, value, **options)


def _log_with(
    metric_name: str | Mapping[str, object],
    value: object = None,
    *,
    step: object = None,
    timestamp: object = None,
    scale: StandardMetricScale | str | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
) -> None:
    _open_run().log(metric_name, value, step, timestamp, scale, labels, evaluation)


# Messages about arguments, and inspect, see the signature of _log_with under the
# public name.
_log_with.__qualname__ = _log_with.__name__ = "log"
functools.update_wrapper(log, _log_with, assigned=())


def log_distributed(
    metric_name: str | Mapping[str, object],
    value: object = None,
    *,
    step: object = None,
    timestamp: object = None,
    scale: StandardMetricScale | str | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
) -> None:
    """Logs points of a series that several processes write, in any order.

    Args:
        metric_name: As for `log`.
        value: As for `log`.
        step: The global step, required: an int for the first point or a sequence with
            one for each.
        timestamp: As for `log`.
        scale: As for `log`.
        labels: As for `log`.
        evaluation: As for `log`.

    Raises:
        MetranaValidationError: No step, or as for `log`.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log_distributed("loss", 0.5, step=1000)
    """
    if _disabled:
        return
    _open_run().log(
        metric_name, value, step, timestamp, scale, labels, evaluation, ordering="unordered"
    )


def log_rl_episode(
    metric_name: str,
    value: object,
    rl_step: int,
    episode: object = None,
    env_id: EnvironmentIds | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
    *,
    timestamp: object = None,
) -> None:
    """Logs values that belong to whole episodes, such as returns.

    Args:
        metric_name: The metric.
        value: One environment: a number or [T], one for each of T episodes. M
            environments: [M] or [M, T].
        rl_step: The training step, which must not decrease.
        episode: None goes on from the last episode of the series. A number is the
            first episode of each environment, [M] gives one first episode to each
            environment, [M, T] (or [T] for one environment) one to each point.
        env_id: One id or a list of M ids. Environments are logged by one process each.
        labels: As for `log`.
        evaluation: As for `log`.
        timestamp: Unix milliseconds: a number, [M] or [M, T]; None is now.

    Raises:
        MetranaValidationError: Shapes that do not fit, or a name that cannot be.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log_rl_episode("return", 200.0, rl_step=3, episode=17)
    """
    if _disabled:
        return
    _open_run().log_rl(
        "EPISODE", metric_name, value, rl_step, episode, env_id, timestamp, labels, evaluation
    )


def log_rl_environment_step(
    metric_name: str,
    value: object,
    rl_step: int,
    env_id: EnvironmentIds | None = None,
    episode: object = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
    *,
    timestamp: object = None,
) -> None:
    """Logs values of single environment steps, such as rewards.

    The steps inside an episode are counted here: each episode of each environment
    counts from 0, over all calls. Without episodes there is one endless count.

    Args:
        metric_name: The metric.
        value: One environment: a number or [T]. M environments: [M] or [M, T].
        rl_step: The training step, which must not decrease.
        env_id: One id or a list of M ids. Environments are logged by one process each.
        episode: The episode that points belong to: a number, [M] with one for each
            environment, or [M, T] (or [T] for one environment) with one for each point.
        labels: As for `log`.
        evaluation: As for `log`.
        timestamp: Unix milliseconds: a number, [M] or [M, T]; None is now.

    Raises:
        MetranaValidationError: Shapes that do not fit, or a name that cannot be.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> rewards = np.zeros((2, 100))  # 2 environments, 100 steps each
        >>> metrana.log_rl_environment_step(
        ...     "reward", rewards, rl_step=3, env_id=["env-0", "env-1"], episode=[4, 7]
        ... )
    """
    if _disabled:
        return
    _open_run().log_rl(
        "ENVIRONMENT_STEP",
        metric_name,
        value,
        rl_step,
        episode,
        env_id,
        timestamp,
        labels,
        evaluation,
    )


def log_rendering(
    frame: NDArray[np.uint8], rl_step: int, episode: int, env_id: str | None = None
) -> None:
    """Appends a frame to the video of an environment's episode.

    Videos are H.264 in `.mp4`, written to `<rendering_output_dir>/<run_name>/` as
    `<env_id>_<episode>.mp4` by a background thread; the call only copies the frame. A
    video is finished when its environment's next episode begins, or by `close`. With
    `init(rendering_upload=True)` it is sent to the server then, besides; `close` waits for
    that as long as for points, and says which videos did not arrive.

    Args:
        frame: uint8, (H, W, 3) RGB, (H, W, 4) RGBA whose alpha is dropped, (H, W) or
            (H, W, 1) gray; height and width even, and the same for all of an episode.
        rl_step: The training step, kept in the video's metadata.
        episode: The episode of the environment.
        env_id: None is the environment `default`.

    Raises:
        TypeError: The frame is no array.
        MetranaValidationError: It is no such picture, or an id or number cannot be.
        MetranaRenderingUnavailableError: The extra `rendering` is not installed.
        MetranaEventQueueFullError: `rendering_queue_max_size` frames wait, under the
            strategy `raise`.
        MetranaSenderError: A video was lost earlier, under the strategy `raise_on_log`.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> frame = np.zeros((64, 96, 3), np.uint8)
        >>> metrana.log_rendering(frame, rl_step=3, episode=17, env_id="env-0")
    """
    if _disabled:
        return
    _open_run().log_rendering(frame, rl_step, episode, env_id or DEFAULT_ENVIRONMENT)


def log_config(config: object) -> None:
    """Logs nested configuration, flattened under `config/`.

    Args:
        config: Dicts, lists, dataclasses of numbers, strings, enums, paths, dates and
            arrays. Lists use the index as part of the path.

    Raises:
        TypeError: A value that no attribute can hold. Nothing of the call is logged.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log_config({"optimizer": {"name": "adam", "lr": 3e-4}, "layers": [64, 64]})
    """
    if _disabled:
        return
    _open_run().log_attributes("config", config)


def log_attributes(prefix_path: str, value: object) -> None:
    """Logs attributes of the run, flattened under `prefix_path`.

    Args:
        prefix_path: `/`-delimited; empty for bare keys. Not under `sys`.
        value: As for `log_config`.

    Raises:
        MetranaValidationError: A path that cannot be. Nothing of the call is logged.
        TypeError: A value that no attribute can hold. Nothing of the call is logged.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log_attributes("eval", {"best_return": 500.0, "solved": True})
    """
    if _disabled:
        return
    _open_run().log_attributes(prefix_path, value)


def log_env_attributes(env_id: str, value: object, episode: int | None = None) -> None:
    """Logs attributes of one environment, or of one of its episodes.

    Args:
        env_id: The environment.
        value: A mapping or dataclass, as for `log_config`; keys are the paths.
        episode: None for the environment as a whole.

    Raises:
        MetranaValidationError: A path or id that cannot be. Nothing of the call is logged.
        TypeError: A value that no attribute can hold. Nothing of the call is logged.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log_env_attributes("env-0", {"gravity": 9.8})
        >>> metrana.log_env_attributes("env-0", {"seed": 17}, episode=4)
    """
    if _disabled:
        return
    _open_run().log_env_attributes(env_id, value, episode)


def set_tags(tags: Sequence[str]) -> None:
    """Replaces the run's tags.

    Example:
        >>> metrana.set_tags(["baseline", "v2"])
    """
    if _disabled:
        return
    _open_run().set_tags(tags)


def add_tags(tags: Sequence[str]) -> None:
    """Adds tags to the run's.

    Example:
        >>> metrana.add_tags(["ablation"])
    """
    if _disabled:
        return
    _open_run().change_tags(added=tags)


def remove_tags(tags: Sequence[str]) -> None:
    """Removes tags from the run's.

    Example:
        >>> metrana.remove_tags(["baseline"])
    """
    if _disabled:
        return
    _open_run().change_tags(removed=tags)


def set_description(description: str) -> None:
    """Replaces the run's description.

    Example:
        >>> metrana.set_description("learning rate sweep, seed 0")
    """
    if _disabled:
        return
    _open_run().set_description(description)


def get_last_step(
    metric_name: str,
    scale: StandardMetricScale | str | None = None,
    labels: Mapping[str, str] | None = None,
    evaluation: bool = False,
) -> int | None:
    """The last step of a series, as logged here or known by the server at `init`.

    Returns:
        None for a series that has no points.

    Example:
        >>> metrana.log("loss", [0.5, 0.4, 0.3])
        >>> metrana.get_last_step("loss")
        2
        >>> metrana.get_last_step("accuracy") is None
        True
    """
    if _disabled:
        return None
    return _open_run().last_step(metric_name, scale, labels, evaluation)


def get_env_last_rl_step_and_episode(env_id: str) -> tuple[int | None, int | None]:
    """The last rl_step and the last episode of an environment; each may be None.

    Example:
        >>> metrana.log_rl_environment_step("reward", 1.0, rl_step=3, env_id="env-0", episode=4)
        >>> metrana.get_env_last_rl_step_and_episode("env-0")
        (3, 4)
    """
    if _disabled:
        return None, None
    return _open_run().env_last(env_id)


def get_metrics() -> Metrics:
    """The engine's counters at this moment: what was added, sent, dropped.

    Example:
        >>> metrana.log("loss", [0.5, 0.4])
        >>> metrics = metrana.get_metrics()
        >>> metrics.float_points_added, metrics.float_points_dropped
        (2, 0)
    """
    if _disabled:
        return _NO_METRICS
    return _open_run().metrics()


def check_sender_errors() -> list[str]:
    """Takes the losses that have not been reported yet, as text.

    Example:
        >>> metrana.check_sender_errors()
        []
    """
    if _disabled:
        return []
    return _open_run().sender_errors()


def flush(timeout: float | None = None) -> bool:
    """Waits until everything logged before has been acknowledged by the server.

    Args:
        timeout: Seconds to wait at most; None: as long as it takes.

    Returns:
        True: all of it is stored. False: time ran out and it is still on its way, or
        something was dropped while waiting.

    Raises:
        MetranaSenderError: Some of it was lost, under the strategy `raise_on_log`.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log("loss", 0.5)
        >>> metrana.flush()
        True
    """
    limit = None if timeout is None else settings.duration(timeout, "timeout")
    return _disabled or _open_run().flush(limit)


def close(close_timeout: float = 15.0) -> Metrics:
    """Sends what is left and closes the run. Always call it.

    Args:
        close_timeout: Seconds that sending may take. 0 abandons what is unsent. Encoding
            videos has a time of its own, `rendering_close_timeout`.

    Returns:
        The final counters.

    Raises:
        MetranaClosingError: Time ran out or data was lost; its `metrics` are the
            final counters. The run is closed all the same.
        MetranaNotInitializedError: No run is open.

    Example:
        >>> metrana.log("loss", 0.5)
        >>> metrana.close().float_points_sent
        1
    """
    timeout = settings.duration(close_timeout, "close_timeout")
    with _lock:
        if not is_initialized():
            raise MetranaNotInitializedError(_NOT_OPEN)
        run = _forget_run()
        return run.close(timeout) if run else _NO_METRICS


# The run's life in this process

_NOT_OPEN = "no run is open: call metrana.init() first"


def _open_run() -> Run:
    run = _run
    if run is None:
        raise MetranaNotInitializedError(_NOT_OPEN)
    return run if run.is_of_this_process else _take_over()


def _take_over() -> Run:
    """The run of a process that was forked from the one that opened it."""
    global _run, _fast_log
    with _lock:
        run = _run
        if run is None:
            raise MetranaNotInitializedError(_NOT_OPEN)
        if not run.is_of_this_process:  # else another thread was faster
            _run = run = run.in_child()
            _fast_log = run.fast_log
            _close_when_this_process_ends()
        return run


def _ignore_second_init() -> None:
    if _run is not None:
        _run.second_init()


def _forget_run() -> Run | None:
    global _run, _fast_log, _disabled
    run, _run, _fast_log, _disabled = _run, None, _nothing_is_open, False
    return run


def _close_when_this_process_ends() -> None:
    # Anew for each run: what is registered last runs first, while loguru,
    # imported by now, still shows the warning.
    atexit.unregister(_close_at_exit)
    atexit.register(_close_at_exit)
    # Children of multiprocessing end without atexit.
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, _close_at_exit, exitpriority=0)


def _close_at_exit() -> None:
    run = _forget_run()
    if run is not None:
        run.close_at_exit()


def _after_fork_in_child() -> None:
    # Whoever held the lock does not exist here.
    global _lock
    _lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)


# The run as an object

_F = TypeVar("_F", bound=Callable[..., Any])


class _OfThisRun(Generic[_F]):
    """A function of this module, as a method that refuses once its run is closed."""

    def __init__(self, function: _F) -> None:
        self._function = function

    def __get__(self, run: OpenRun | None, owner: type[OpenRun]) -> _F:
        if run is not None and not run.is_open:
            raise MetranaNotInitializedError(f"the run {run.name!r} is closed")
        return self._function


class OpenRun:
    """What `init` returns: the run, to be closed by a `with` statement.

    Its methods are the module's functions. Leaving the `with` block closes the run,
    if that has not been done inside; when an exception leaves the block, points that
    cannot be delivered in time are reported as a message and the exception goes on.

    Attributes:
        name: The run's name; empty in the mode `disabled`.
        url: Where a browser shows the run; None in the mode `disabled`.

    Example:
        >>> with metrana.init(
        ...     workspace_name="me", project_name="cartpole", run_name="run-001"
        ... ) as run:
        ...     run.log("loss", 0.5)
        ...     print(run.url)
        http://127.0.0.1:.../me/cartpole/run-001
    """

    def __init__(self, number: int, run: Run | None) -> None:
        self._number = number
        self.name = run.name if run else ""
        self.url = run.dashboard_address if run else None

    @property
    def is_open(self) -> bool:
        """Whether it is still the run that the module's functions log to."""
        return is_initialized() and self._number == _opened

    log = _OfThisRun(log)
    log_distributed = _OfThisRun(log_distributed)
    log_rl_episode = _OfThisRun(log_rl_episode)
    log_rl_environment_step = _OfThisRun(log_rl_environment_step)
    log_rendering = _OfThisRun(log_rendering)
    log_config = _OfThisRun(log_config)
    log_attributes = _OfThisRun(log_attributes)
    log_env_attributes = _OfThisRun(log_env_attributes)
    set_tags = _OfThisRun(set_tags)
    add_tags = _OfThisRun(add_tags)
    remove_tags = _OfThisRun(remove_tags)
    set_description = _OfThisRun(set_description)
    get_last_step = _OfThisRun(get_last_step)
    get_env_last_rl_step_and_episode = _OfThisRun(get_env_last_rl_step_and_episode)
    get_metrics = _OfThisRun(get_metrics)
    check_sender_errors = _OfThisRun(check_sender_errors)
    flush = _OfThisRun(flush)
    close = _OfThisRun(close)

    def __enter__(self) -> OpenRun:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self.is_open:
            return
        try:
            close()
        except MetranaClosingError as error:
            if kind is None:
                raise
            logger.error("{}", error)

    def __repr__(self) -> str:
        if self.url is None:
            return "<metrana run, disabled>"
        return f"<metrana run {self.name!r} at {self.url}>"

    def _repr_html_(self) -> str:
        """What notebooks show."""
        if self.url is None:
            return "metrana: disabled, nothing is logged"
        return f'metrana run <a href="{escape(self.url)}" target="_blank">{escape(self.name)}</a>'
