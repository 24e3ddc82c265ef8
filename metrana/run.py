"""One run: opened with settings, logged to, closed.

The work is done by the engine. What happens here is the translation of Python
arguments into series numbers, environment numbers and contiguous arrays.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from metrana import arrays, attributes, git, messages, orchestration, settings
from metrana._engine import Engine
from metrana.enums import StandardMetricScale
from metrana.errors import (
    MetranaClosingError,
    MetranaError,
    MetranaEventQueueFullError,
    MetranaSenderError,
    MetranaValidationError,
)
from metrana.messages import logger
from metrana.metrics import Metrics
from metrana.rendering import Renderer
from metrana.settings import Settings
from metrana.system_metrics import SystemSampler

Ordering = Literal["ordered", "unordered"]
Labels = tuple[tuple[str, str], ...]
EnvironmentIds = str | list[str] | tuple[str, ...] | NDArray[Any]

_ML_STEP = StandardMetricScale.ML_STEP.value
_EPISODE = StandardMetricScale.EPISODE.value
_ENVIRONMENT_STEP = StandardMetricScale.ENVIRONMENT_STEP.value

DEFAULT_ENVIRONMENT = "default"

# Lists of environment ids whose numbers are kept at hand. Callers repeat a few
# lists, but may also log a different subset each time.
_KEPT_LISTS = 64

# How long an exit without close() may take.
_EXIT_TIMEOUT_SECS = 15.0


class Run:
    """A run on the server, as this process logs to it.

    Logging is safe from any thread. After `close` nothing else may be called.
    """

    def __init__(self, given: Settings, *, inherited: bool = False) -> None:
        """Opens the run; blocks until the server has answered.

        Args:
            given: What was resolved from the arguments of init().
            inherited: This process never called init(): it was forked from one that did.

        Raises:
            MetranaLoggerInitError: The server refused, or did not answer in time.
        """
        if given.autoconfigure_loguru:
            messages.show(given.log_level)
        orchestration.publish(given.orchestration_id)
        self._settings = given
        self._inherited = inherited
        self._child_error: MetranaError | None = None
        self._pid = os.getpid()
        self._series: dict[tuple[str, str, Labels, Ordering], int] = {}
        self._environments: OrderedDict[tuple[str, ...], NDArray[np.uint32]] = OrderedDict()
        # In one attribute: threads log with lists of their own.
        self._last_list: tuple[list[str], NDArray[np.uint32]] = [], np.empty(0, np.uint32)
        self._warned_of_second_init = False
        sampler = SystemSampler() if given.system_metrics else None
        self._engine = Engine(given.engine_options())
        try:
            answer = self._engine.wait_ready()
            if answer.created and not inherited:
                self._describe()
        except BaseException:
            self._engine.close(0)
            raise
        self._renderer = Renderer(given, answer.run_id)
        self._sampler = sampler
        if sampler is not None:
            sampler.start(self._engine)
        self.fast_log = self._engine.fast_log
        logger.log(
            "DEBUG" if inherited else "SUCCESS",
            "{} run {!r}: {}",
            "logging to the new" if answer.created else "continuing",
            given.run_name,
            given.dashboard_address,
        )

    def _describe(self) -> None:
        """What only the process that creates the run states about it."""
        given = self._settings
        if given.config:
            self._engine.attributes(given.config)
        commit = git.commit_sha()
        if commit is not None:
            self._engine.attributes([("git/commit_sha", "string", commit)])
        if given.tags is not None:
            self.set_tags(given.tags)
        if given.description is not None:
            self.set_description(given.description)

    @property
    def name(self) -> str:
        """The run's name."""
        return self._settings.run_name

    @property
    def dashboard_address(self) -> str:
        """Where a browser shows the run."""
        return self._settings.dashboard_address

    def in_child(self) -> Run:
        """In a process forked from the run's: a writer of that process's own in the run.

        It starts from the server's last steps. After a failure each further call
        raises the same error at once, so that a loop does not wait again and again.

        Raises:
            MetranaProcessForkError: No second engine can be loaded here.
            MetranaLoggerInitError: The server refused, or did not answer in time.
        """
        if self._child_error is None:
            try:
                return Run(self._settings.for_child(), inherited=True)
            except MetranaError as error:
                self._child_error = error
        raise self._child_error.with_traceback(None)

    def second_init(self) -> None:
        """Says once that init() was called again and is ignored."""
        if not self._warned_of_second_init:
            self._warned_of_second_init = True
            logger.warning(
                "metrana.init() is ignored: the run {!r} is open. Call metrana.close() first",
                self._settings.run_name,
            )

    # Standard metrics

    def log(
        self,
        name: object,
        value: object,
        step: object,
        timestamp: object,
        scale: str | None,
        labels: Mapping[str, str] | None,
        evaluation: bool,
        ordering: Ordering = "ordered",
    ) -> None:
        """Logs one metric, or several where `name` is a mapping."""
        if isinstance(name, Mapping):
            if value is not None:
                raise TypeError("value must be left out when the first argument is a mapping")
            items = list(name.items())
        else:
            if value is None:
                raise TypeError(f"the metric {name!r} has no value")
            items = [(name, value)]
        plain = step is None and timestamp is None and scale is None and labels is None
        if plain and not evaluation and ordering == "ordered" and self._log_scalars(items):
            return
        key = (scale_text(scale), label_pairs(labels, evaluation))
        rows = [(one, _row(one, given)) for one, given in items]
        rows = [(one, values) for one, values in rows if len(values)]  # nothing says nothing
        if not rows:
            return
        first = arrays.steps(step, "step")
        times = arrays.times(timestamp, "timestamp")
        # Everything is checked before the first point is handed over.
        for one, values in rows:
            _check_axes(one, values, first, times, ordering)
        calls = [(self._series_of(one, *key, ordering), values) for one, values in rows]
        self._points((*call, *split(first), *split(times)) for call in calls)

    def _log_scalars(self, items: list[tuple[Any, Any]]) -> bool:
        """Logs numbers to series that exist; False when nothing was logged."""
        known = self._engine.fast_series
        numbers = []
        for name, value in items:
            if type(value) is not float:
                if not isinstance(value, (int, float, np.floating, np.integer, np.bool_)):
                    return False
                try:
                    value = float(value)
                except OverflowError:  # an int that only the ordinary way takes
                    return False
            if type(name) is not str or name not in known:
                return False
            numbers.append((name, value))
        self._points(
            (known[name], np.array([value], np.float64), None, None, None, None)
            for name, value in numbers
            if not self.fast_log(name, value)
        )
        return True

    def _points(self, calls: Iterable[tuple[Any, ...]]) -> None:
        """Hands all calls to the engine, and raises then what one of them said.

        Neither a loss that surfaces nor a full queue is the fault of the call it is
        raised by, which has been dealt with, nor of those after it.
        """
        raised: MetranaError | None = None
        for call in calls:
            try:
                self._engine.points(*call)
            except (MetranaSenderError, MetranaEventQueueFullError) as error:  # noqa: PERF203
                raised = raised or error
        if raised is not None:
            raise raised

    def _series_of(self, name: object, scale: str, labels: Labels, ordering: Ordering) -> int:
        if not isinstance(name, str):
            raise TypeError(f"a metric name must be a string, not {name!r}")
        key = (name, scale, labels, ordering)
        number = self._series.get(key)
        if number is None:
            number = self._engine.series(name, scale, labels, ordering)
            self._series[key] = number
            if ordering == "ordered" and scale == _ML_STEP and not labels:
                self._engine.fast_series[str(name)] = number
        return number

    def last_step(
        self,
        name: str,
        scale: str | None,
        labels: Mapping[str, str] | None,
        evaluation: bool,
    ) -> int | None:
        """The highest step logged or seeded, None for a series that has none."""
        pairs = label_pairs(labels, evaluation)
        number = self._engine.find_series(name, scale_text(scale), pairs)
        return None if number is None else self._engine.last_step(number)

    # RL metrics

    def log_rl(
        self,
        scale: Literal["EPISODE", "ENVIRONMENT_STEP"],
        name: str,
        value: object,
        rl_step: object,
        episode: object,
        env_id: EnvironmentIds | None,
        timestamp: object,
        labels: Mapping[str, str] | None,
        evaluation: bool,
    ) -> None:
        """Logs a block of values [M, T] of M environments."""
        environments = self._environments_of(env_id)
        values = arrays.values(value, f"the value of {name!r}")
        if not values.size:
            return
        single = env_id is None or isinstance(env_id, str)
        values = arrays.block(values, len(environments), single=single)
        episodes = arrays.broadcast(arrays.steps(episode, "episode"), values.shape, "episode")
        times = arrays.broadcast(arrays.times(timestamp, "timestamp"), values.shape, "timestamp")
        major = settings.whole(rl_step, "rl_step", 0)
        series = self._series_of(name, scale, label_pairs(labels, evaluation), "ordered")
        send = self._engine.rl_episodes if scale == _EPISODE else self._engine.rl_env_steps
        send(series, environments, values, major, episodes, *split(times))

    def _environments_of(self, env_id: EnvironmentIds | None) -> NDArray[np.uint32]:
        # Most loops pass the same list again and again: comparing a thousand ids
        # with the last ones takes a tenth of the time of hashing them.
        last, environments = self._last_list
        if isinstance(env_id, list) and env_id and env_id == last:
            return environments
        environments = self._look_up(environment_ids(env_id))
        if isinstance(env_id, list):
            self._last_list = env_id.copy(), environments
        return environments

    def _look_up(self, ids: tuple[str, ...]) -> NDArray[np.uint32]:
        kept = self._environments.get(ids)
        if kept is None:
            kept = np.array([self._engine.environment(one) for one in ids], np.uint32)
            self._environments[ids] = kept
            if len(self._environments) > _KEPT_LISTS:
                self._environments.popitem(last=False)
        return kept

    def env_last(self, env_id: str) -> tuple[int | None, int | None]:
        """The last rl_step and episode of an environment."""
        return self._engine.env_last(env_id)

    def log_rendering(self, frame: object, rl_step: object, episode: object, env_id: str) -> None:
        """Queues a frame of an environment's episode for its video."""
        self._look_up((env_id,))  # refuses what is no environment id
        self._renderer.add(
            frame,
            settings.whole(rl_step, "rl_step", 0),
            settings.whole(episode, "episode", 0),
            env_id,
        )

    # Attributes

    def log_attributes(self, prefix: str, value: object) -> None:
        """Sets run attributes; none of them if one is invalid."""
        if not isinstance(prefix, str):
            raise TypeError(f"a path must be a string, not {prefix!r}")
        updates = attributes.flatten(prefix, value)
        if updates:
            self._engine.attributes(updates)

    def log_env_attributes(self, env_id: str, value: object, episode: object) -> None:
        """Sets attributes of one environment, or of one of its episodes."""
        number = None if episode is None else settings.whole(episode, "episode", 0)
        updates = attributes.flatten("", value)
        if updates:
            self._engine.env_attributes(env_id, number, updates)

    def set_tags(self, tags: object) -> None:
        """Replaces the tags."""
        self._engine.attributes([(attributes.TAGS, "string_set", attributes.tags(tags))])

    def change_tags(self, *, added: object = (), removed: object = ()) -> None:
        """Adds and removes tags."""
        delta = attributes.tags(added), attributes.tags(removed)
        if any(delta):
            self._engine.attributes([(attributes.TAGS, "string_set_delta", delta)])

    def set_description(self, text: str) -> None:
        """Replaces the description."""
        if not isinstance(text, str):
            raise TypeError(f"a description must be a string, not {text!r}")
        self._engine.attributes([(attributes.DESCRIPTION, "string", text)])

    # State

    def metrics(self) -> Metrics:
        """The counters at this moment."""
        return Metrics(**self._engine.stats())

    def sender_errors(self) -> list[str]:
        """Losses not yet reported, which are thereby taken as reported."""
        return self._engine.check_errors()

    @property
    def is_of_this_process(self) -> bool:
        """False in a child that was forked after the run was opened."""
        return self._pid == os.getpid()

    def flush(self, timeout: float | None) -> bool:
        """Waits until everything logged before is stored; False: not in time, or not all."""
        before = self.metrics().dropped
        return self._engine.flush(timeout) and self.metrics().dropped == before

    def close(self, timeout: float) -> Metrics:
        """Flushes for at most `timeout` seconds; 0 drops what is unsent.

        Encoding videos has a time of its own, `rendering_close_timeout`; uploading them has
        what points have left of `timeout`. Ctrl-C ends the waiting at once: what is unsent
        then is dropped and counted.

        Raises:
            MetranaClosingError: Something was lost, or time ran out.
        """
        if not self.is_of_this_process:
            return Metrics()  # the parent's run is the parent's to close
        return self._close(timeout, self._settings.rendering_close_timeout)

    def _close(self, timeout: float, rendering_timeout: float | None) -> Metrics:
        if self._sampler is not None:
            self._sampler.stop()
        self._renderer.begin_close()
        problems: list[str] = []
        begun = time.monotonic()
        try:
            metrics = Metrics(**self._engine.close(self._end_sampling(timeout)))
        except MetranaClosingError as error:
            metrics, problems = error.metrics, [str(error)]
        except KeyboardInterrupt:
            final = Metrics(**self._engine.close(0))
            logger.warning("interrupted while closing: {} updates were dropped", final.dropped)
            self._renderer.finish(0, None)
            raise
        left = max(0.0, timeout - (time.monotonic() - begun)) if timeout else None
        problems += self._renderer.finish(rendering_timeout, left)
        if problems:
            raise MetranaClosingError("\n".join(problems), metrics)
        return metrics

    def _end_sampling(self, timeout: float) -> float:
        """Waits for the sample under way, and says how much of the time is left.

        Of a time above 0 that is never nothing, which would drop what is unsent.
        """
        if self._sampler is None:
            return timeout
        begun = time.monotonic()
        self._sampler.join(timeout)
        return max(timeout - (time.monotonic() - begun), min(timeout, 1e-3))

    def close_at_exit(self) -> None:
        """The last attempt, at the end of a program that did not call close()."""
        if not self.is_of_this_process:
            return
        if not self._inherited:
            logger.warning(
                "metrana.close() was not called: flushing for at most {:.0f} s", _EXIT_TIMEOUT_SECS
            )
        try:
            limit = self._settings.rendering_close_timeout
            self._close(
                _EXIT_TIMEOUT_SECS,
                _EXIT_TIMEOUT_SECS if limit is None else min(limit, _EXIT_TIMEOUT_SECS),
            )
        except MetranaClosingError as error:
            logger.error("{}", error)


def _row(name: object, value: object) -> arrays.Values:
    what = f"the value of {name!r}"
    return arrays.row(arrays.values(value, what), what)


def _check_axes(
    name: object,
    values: arrays.Values,
    first: int | arrays.UInts | None,
    times: int | arrays.Ints | None,
    ordering: Ordering,
) -> None:
    for given, argument in ((first, "step"), (times, "timestamp")):
        if not isinstance(given, np.ndarray):
            continue
        if given.ndim > 1:
            raise TypeError(f"{argument} must have one axis, not the shape {given.shape}")
        if given.shape != values.shape:
            raise MetranaValidationError(
                f"{argument} must be one number or as many as the values of {name!r}: "
                f"its shape is {given.shape}, theirs {values.shape}"
            )
    if ordering == "unordered" and first is None:
        raise MetranaValidationError(
            f"log_distributed needs a step for {name!r}: writers of one series meet on it"
        )


def scale_text(scale: str | None) -> str:
    """The scale's text; None and the empty text mean ML_STEP."""
    if not scale:
        return _ML_STEP
    if not isinstance(scale, str):
        raise TypeError(f"scale must be a StandardMetricScale or a string, not {scale!r}")
    return str(scale)


def label_pairs(labels: Mapping[str, str] | None, evaluation: bool) -> Labels:
    """Labels in the order of their keys, with `evaluation` among them where asked for."""
    if not labels:
        return (("evaluation", "true"),) if evaluation else ()
    if not isinstance(labels, Mapping):
        raise TypeError(f"labels must be a dict of strings, not {labels!r}")
    for pair in labels.items():
        if not all(isinstance(text, str) for text in pair):
            raise TypeError(f"labels must be a dict of strings, but one is {pair!r}")
    pairs = {"evaluation": "true", **labels} if evaluation else labels
    return tuple(sorted(pairs.items()))


def environment_ids(env_id: EnvironmentIds | None) -> tuple[str, ...]:
    """The ids as a tuple; no id at all is the default environment."""
    if env_id is None:
        return (DEFAULT_ENVIRONMENT,)
    if isinstance(env_id, str):
        return (env_id,)
    if isinstance(env_id, np.ndarray):
        env_id = env_id.tolist()
    if not isinstance(env_id, (list, tuple)) or not env_id:
        raise TypeError(f"env_id must be a string or a list of strings, not {env_id!r}")
    return tuple(env_id)


def split(given: int | NDArray[Any] | None) -> tuple[int | None, NDArray[Any] | None]:
    """One number and several, as the engine takes them apart."""
    return (None, given) if isinstance(given, np.ndarray) else (given, None)
