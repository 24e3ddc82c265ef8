"""The boundary to the engine, a Go library; with `_reader` the only module that knows ctypes.

Three kinds of calls cross it:

    scalar    a builtin of the library's C part, made at run time: under 100 ns
    bulk      pointers to NumPy memory, which the engine copies before it returns
    control   open, wait, flush, close, statistics: in slices of 50 ms, so that
              Ctrl-C works at once

Nothing calls back into Python: what the engine has to say waits there and is
fetched when a log call's status says so.

The library is loaded by the first `Engine`, not by the import. A child of
fork() cannot use its parent's engine, whose threads it has not got; an `Engine`
made in the child loads a private copy of the library.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from ctypes import c_char_p, c_double, c_int32, c_int64, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metrana import errors
from metrana._version import __version__
from metrana.messages import logger
from metrana.metrics import Metrics

Ordering = Literal["ordered", "unordered"]
Values = NDArray[np.float64]
UInts = NDArray[np.uint64]
Ints = NDArray[np.int64]
Environments = NDArray[np.uint32]

_SLICE_MILLIS = 50
_TEXT_SIZE = 16 * 1024
_MAX_STEP = 2**63 - 1

FAST_PATH_VARIABLE = "METRANA_FAST_PATH"
"""Set to `ctypes` to do without the builtin, as other interpreters have to."""

# Signatures

_TEXT: list[Any] = [c_void_p, c_int32]  # memory for a text and its size
_RL_REST: list[Any] = [c_int32, c_void_p, c_int32, c_void_p, c_int32, *_TEXT]

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    # name: (result, arguments)
    "mt_version": (c_int32, _TEXT),
    "mt_open": (c_int64, [c_char_p, c_int32, c_void_p, c_int32]),
    "mt_wait_ready": (c_int32, [c_int64, c_int32, c_void_p, c_int32]),
    "mt_series": (
        c_int64,
        [c_int64, c_void_p, c_int32, c_char_p, c_int32, c_int32, c_void_p, c_int32],
    ),
    "mt_find_series": (c_int64, [c_int64, c_void_p, c_int32, c_char_p, c_int32]),
    "mt_last_step": (c_int32, [c_int64, c_int64, c_void_p]),
    "mt_environment": (c_int64, [c_int64, c_char_p, c_int32, c_void_p, c_int32]),
    "mt_environment_last": (c_int32, [c_int64, c_char_p, c_int32, c_void_p]),
    "mt_points": (
        c_int32,
        # logger, series, values, n, first, steps, millis, times, waited, text, size
        [
            c_int64,
            c_int64,
            c_void_p,
            c_int64,
            c_int64,
            c_void_p,
            c_int64,
            c_void_p,
            c_int32,
            *_TEXT,
        ],
    ),
    "mt_rl": (
        c_int32,
        # logger, series, of episodes, environments, m, values, t, rl_step,
        # episode shape, episodes, time shape, times, waited, text, size
        [c_int64, c_int64, c_int32, c_void_p, c_int64, c_void_p, c_int64, c_uint64, *_RL_REST],
    ),
    "mt_attributes": (
        c_int32,
        # logger, environment, its length, episode, updates, n, waited, text, size
        [c_int64, c_char_p, c_int32, c_int64, c_char_p, c_int32, c_int32, c_void_p, c_int32],
    ),
    "mt_flush_begin": (c_int64, [c_int64, c_void_p, c_int32]),
    "mt_flush_wait": (c_int32, [c_int64, c_int64, c_int32]),
    "mt_close_begin": (c_int32, [c_int64, c_int64]),
    "mt_close_wait": (c_int32, [c_int64, c_int32, c_void_p, c_int32]),
    "mt_free": (c_int32, [c_int64]),
    "mt_stats": (c_int32, [c_int64, c_void_p, c_int32]),
    "mt_events": (c_int32, [c_int64, c_int32, c_void_p, c_int32]),
    # the C part, which never blocks
    "mt_push": (c_int32, [c_int64, c_double]),
    "mt_fast_method": (c_void_p, [c_void_p, c_int32]),
    "mt_loaded_by": (c_int32, []),
    "mt_forked": (c_int32, []),
}

# What functions return: status.go holds the same table.
_EVENTS = 1
_AGAIN = -3
_EXCEPTIONS: dict[int, type[errors.MetranaError]] = {
    -1: errors.MetranaNotInitializedError,
    -2: errors.MetranaValidationError,
    -4: errors.MetranaEventQueueFullError,
    -5: errors.MetranaLoggerClosedError,
    -6: errors.MetranaNotInitializedError,
    -7: errors.MetranaNotInitializedError,
    -8: errors.MetranaLoggerInitError,
    -9: errors.MetranaRunAlreadyExistsError,
    -10: errors.MetranaOrchestrationIdMismatchError,
    -11: errors.MetranaClosingError,
}

_ORDERINGS: dict[Ordering, int] = {"unordered": 2, "ordered": 3}

# What mt_events fetches.
_AT_LOG, _AT_CLOSE, _LOSSES = 0, 1, 2

# client.Shape
_NONE, _ONE, _PER_ROW, _PER_POINT = 0, 1, 2, 3

_KINDS = ("float_points", "rl_float_points", "attribute_updates", "env_attribute_updates")
_STATS = [
    f"{kind}_{count}"
    for kind, count in itertools.product(_KINDS, ("added", "enqueued", "sent", "dropped"))
] + [
    "connection_attempts",
    "requests_sent",
    "requests_in_flight",
    "requests_resent",
    "send_errors",
    "errors_reported",
    "errors_evicted",
]


class _Text(threading.local):
    """Memory for the text that a call may return; each thread has its own."""

    def __init__(self) -> None:
        self.memory = ctypes.create_string_buffer(_TEXT_SIZE)
        self.address = ctypes.addressof(self.memory)

    def read(self) -> str:
        return self.memory.value.decode("utf-8", "replace")


_text = _Text()

# Loading

_loading = threading.Lock()
_library: ctypes.CDLL | None = None
_generation = 0
"""Grows in each child of fork(): what was made before belongs to the parent."""


def library_path() -> Path:
    """Where the engine lies in an installed package."""
    suffix = {"darwin": ".dylib", "win32": ".dll"}.get(sys.platform, ".so")
    return Path(__file__).with_name("_lib") / f"libmetrana{suffix}"


def load() -> ctypes.CDLL:
    """Loads the engine, once in each process.

    Raises:
        MetranaLoggerInitError: It is missing, cannot be loaded, or belongs to
            another version of the package.
    """
    global _library
    with _loading:
        if _library is None:
            path = library_path()
            _library = _open(path) if _generation == 0 else _open_copy(path)
        return _library


def _open(path: Path, at: str | None = None) -> ctypes.CDLL:
    # Threads of Go's runtime inherit the mask of this moment, so that Python
    # and the frameworks keep getting their signals on threads of their own.
    masked = None
    if sys.platform != "win32":
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        library = ctypes.CDLL(at or str(path))
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        library.mt_version(_text.address, _TEXT_SIZE)
    except (OSError, AttributeError) as error:
        raise errors.MetranaLoggerInitError(
            f"the engine cannot be loaded: {error}. Tried: {path}. An editable install builds it "
            "with `python build_scripts/native_build.py`"
        ) from error
    finally:
        if masked is not None:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
    version = _text.read()
    if version != __version__:
        raise errors.MetranaLoggerInitError(
            f"the engine at {path} is of version {version}, the package of {__version__}: "
            "reinstall metrana"
        )
    return library


def _open_copy(path: Path) -> ctypes.CDLL:
    """Loads the library under another name: for the loader, another library."""
    refused = []
    for load_copy in (_open_in_memory, _open_in_file):
        try:
            library = load_copy(path)
        except (OSError, AttributeError, errors.MetranaLoggerInitError) as error:
            refused.append(str(error))
            continue
        if library.mt_loaded_by() == os.getpid():
            return library
        refused.append("the loader answered with the engine of another process")
    raise errors.MetranaProcessForkError(
        "this process was forked from one that had opened a run, and no second engine can be "
        f"loaded here: {'; '.join(refused)}. Start it with multiprocessing's method 'spawn' instead"
    )


def _open_in_memory(path: Path) -> ctypes.CDLL:
    # The name must be new in this process, or the loader answers with the
    # parent's copy, in which nothing runs; so the descriptor stays open.
    copy = os.memfd_create("libmetrana")
    try:
        os.write(copy, path.read_bytes())
        return _open(path, f"/proc/{os.getpid()}/fd/{copy}")
    except BaseException:
        os.close(copy)
        raise


def _open_in_file(path: Path) -> ctypes.CDLL:
    import tempfile  # slow to import, and rarely needed

    with tempfile.NamedTemporaryFile(prefix="libmetrana-", suffix=path.suffix) as copy:
        copy.write(path.read_bytes())
        copy.flush()
        return _open(path, copy.name)


def _after_fork_in_child() -> None:
    global _library, _loading, _generation
    if _library is not None:
        _generation += 1
    _library, _loading = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)

# The fast path


def _builtin(library: ctypes.CDLL, known: dict[str, int]) -> Callable[[Any, Any], bool] | None:
    """The library's builtin bound to `known`, None where this interpreter has none."""
    gil = getattr(sys, "_is_gil_enabled", lambda: True)
    if sys.implementation.name != "cpython" or not gil():
        return None
    if os.environ.get(FAST_PATH_VARIABLE) == "ctypes":
        return None
    functions = (
        "PyDict_GetItemWithError",
        "PyErr_Clear",
        "PyErr_Occurred",
        "PyFloat_AsDouble",
        "PyLong_AsLongLong",
        "PyObject_Type",
        "Py_IncRef",
        "Py_DecRef",
    )
    python = [id(one) for one in (True, False, str, float, int)] + [
        ctypes.cast(getattr(ctypes.pythonapi, name), c_void_p).value for name in functions
    ]
    table = (c_void_p * len(python))(*python)
    method = library.mt_fast_method(ctypes.addressof(table), len(python))
    if not method:
        return None
    make = ctypes.PYFUNCTYPE(ctypes.py_object, c_void_p, ctypes.py_object, c_void_p)(
        ("PyCFunction_NewEx", ctypes.pythonapi)
    )
    made: Callable[[Any, Any], bool] = make(method, known, None)
    # An unknown key must be refused without an exception, or it is not what we think.
    return made if made("", 0.0) is False and known == {} else None


def _through_ctypes(library: ctypes.CDLL, known: dict[str, int]) -> Callable[[Any, Any], bool]:
    push = ctypes.PYFUNCTYPE(c_int32, c_int64, c_double)(("mt_push", library))

    def fast_log(name: Any, value: Any) -> bool:
        if type(name) is not str or type(value) not in (float, int):
            return False
        handle = known.get(name)
        if handle is None:
            return False
        try:
            number = float(value)
        except OverflowError:
            return False
        return bool(push(handle, number) == 0)

    return fast_log


class InitResult(NamedTuple):
    """What the server said about the run."""

    created: bool
    """This logger created it."""
    run_id: str
    """In base64."""
    orchestration_id: str
    creation_time: int | None
    """Unix milliseconds."""


class Engine:
    """A logger of one run. Its methods may be called from any thread.

    `options` are those of `metrana.init`, with the names they have there. The
    handshake with the server goes on in the background: see `wait_ready`.
    """

    fast_series: dict[str, int]
    """Metric name to series handle, for series of scale ML_STEP without labels that `log`
    writes; `fast_log` looks here. The caller puts in what `series` returned."""

    fast_log: Callable[[Any, Any], bool]
    """`fast_log(name, value)` logs an exact float or int to a series in `fast_series`. False:
    nothing happened, take the ordinary path. Never raises."""

    def __init__(self, options: dict[str, object]) -> None:
        self._library = load()
        self._generation = _generation
        self._closed = False
        encoded = json.dumps(options, allow_nan=False).encode()
        self._logger = self._checked(
            self._library.mt_open(encoded, len(encoded), _text.address, _TEXT_SIZE)
        )
        self.fast_series = {}
        self.fast_log = _builtin(self._library, self.fast_series) or _through_ctypes(
            self._library, self.fast_series
        )

    # Opening and closing

    def wait_ready(self) -> InitResult:
        """Waits until the server has answered.

        Raises:
            MetranaLoggerInitError: It refused, or did not answer in time; or a subclass.
        """
        self._check_process()
        while True:
            status = self._library.mt_wait_ready(
                self._logger, _SLICE_MILLIS, _text.address, _TEXT_SIZE
            )
            if status != 0:
                break
            self._surface()
        self._checked(status)
        answer = json.loads(_text.read())
        return InitResult(
            answer["created"],
            answer["run_id"],
            answer["orchestration_id"],
            answer["creation_time"] or None,
        )

    def flush(self, timeout: float | None) -> bool:
        """Waits until everything logged before is acknowledged or dropped; False: not in time."""
        self._check_process()
        ticket = self._checked(
            self._library.mt_flush_begin(self._logger, _text.address, _TEXT_SIZE)
        )
        deadline = math.inf if timeout is None else time.monotonic() + timeout
        done = False
        try:
            while not done:
                left = deadline - time.monotonic()
                millis = max(0, min(_SLICE_MILLIS, math.ceil(min(left, 1.0) * 1000)))
                status = self._library.mt_flush_wait(self._logger, ticket, millis)
                done = self._checked(status) != 0
                if not done and left <= 0:
                    break
        finally:
            self._library.mt_flush_wait(self._logger, ticket, -1)
        self._surface()
        return done

    def close(self, timeout: float) -> dict[str, int]:
        """Delivers what is left for at most `timeout` seconds, and returns the final counters.

        With 0 everything unsent is dropped, counted, and nothing is raised. May be called
        again after an interrupt, and cuts the time short then.

        Raises:
            MetranaClosingError: Something was lost, or time ran out.
        """
        self._check_process()
        if self._closed:
            return dict.fromkeys(_STATS, 0)
        self._library.mt_close_begin(self._logger, math.ceil(min(timeout, 1e9) * 1000))
        status = 0
        while status == 0:
            status = self._library.mt_close_wait(
                self._logger, _SLICE_MILLIS, _text.address, _TEXT_SIZE
            )
        problems = [_text.read()] if status < 0 else []
        events = self._events(_AT_CLOSE)
        for text in events["warnings"]:
            logger.warning("{}", text)
        problems += events["errors"]
        stats = self.stats()
        self._library.mt_free(self._logger)
        self._closed = True
        if problems and timeout > 0:
            raise errors.MetranaClosingError("\n".join(problems), Metrics(**stats))
        return stats

    # Series and environments

    def series(
        self, name: str, scale: str, labels: Sequence[tuple[str, str]], ordering: Ordering
    ) -> int:
        """The handle of a series, which is made when it is new.

        Raises:
            MetranaValidationError: A name that cannot be, or the other ordering is in use.
        """
        self._check_process()
        return self._checked(
            self._library.mt_series(
                self._logger,
                *_identity(name, scale, labels),
                _ORDERINGS[ordering],
                _text.address,
                _TEXT_SIZE,
            )
        )

    def find_series(self, name: str, scale: str, labels: Sequence[tuple[str, str]]) -> int | None:
        """The handle of a series that exists."""
        self._check_process()
        try:
            identity = _identity(name, scale, labels)
        except errors.MetranaValidationError:
            return None
        found: int = self._library.mt_find_series(self._logger, *identity)
        return found if found > 0 else None

    def last_step(self, series: int) -> int | None:
        """The highest step logged to a series or seeded for it."""
        self._check_process()
        step = c_uint64()
        if self._library.mt_last_step(self._logger, series, ctypes.addressof(step)) != 1:
            return None
        return step.value

    def environment(self, env_id: str) -> int:
        """The number of an environment, which is made when it is new.

        Raises:
            MetranaValidationError: An id that cannot be.
        """
        self._check_process()
        encoded = _utf8(env_id, "environment id")
        return self._checked(
            self._library.mt_environment(
                self._logger, encoded, len(encoded), _text.address, _TEXT_SIZE
            )
        )

    def env_last(self, env_id: str) -> tuple[int | None, int | None]:
        """The highest rl_step and episode of an environment."""
        self._check_process()
        try:
            encoded = _utf8(env_id, "environment id")
        except errors.MetranaValidationError:
            return None, None
        out = (c_uint64 * 2)()
        known = self._library.mt_environment_last(
            self._logger, encoded, len(encoded), ctypes.addressof(out)
        )
        if known < 0:
            return None, None
        return out[0] if known & 1 else None, out[1] if known & 2 else None

    # Logging

    def points(
        self,
        series: int,
        values: Values,
        first_step: int | None,
        steps: UInts | None,
        time_ms: int | None,
        times: Ints | None,
    ) -> None:
        """Logs [n] values to a standard series. All arrays are C-contiguous.

        Steps are `steps` [n], or go on from `first_step`, or from the last step. Times are
        `times` [n], or all `time_ms`, or now.

        Raises:
            MetranaValidationError: Lengths or steps that cannot be.
            MetranaEventQueueFullError: The queue stayed full, under the strategy `raise`.
            MetranaSenderError: Data was lost earlier. The points are queued all the same.
        """
        if first_step is not None and not 0 <= first_step <= _MAX_STEP:
            raise errors.MetranaValidationError(
                f"step must be between 0 and {_MAX_STEP}, not {first_step}"
            )
        _check_lengths(values, steps=steps, timestamps=times)
        self._until_room(
            self._library.mt_points,
            self._logger,
            series,
            values.ctypes.data,
            len(values),
            -1 if first_step is None else first_step,
            None if steps is None else steps.ctypes.data,
            _now() if time_ms is None else time_ms,
            None if times is None else times.ctypes.data,
        )

    def sample(self, series: int, value: float, step: int) -> bool:
        """Logs a point that nobody waits for; False: the queue was full, and it is not logged.

        Warnings and losses are left to the calls of the program.
        """
        self._check_process()
        values = np.array([value], np.float64)
        address, text = values.ctypes.data, (_text.address, _TEXT_SIZE)
        status = self._library.mt_points(
            self._logger, series, address, 1, step, None, _now(), None, 0, *text
        )
        return status != _AGAIN and self._checked(status) >= 0

    def rl_env_steps(
        self,
        series: int,
        envs: Environments,
        values: Values,
        rl_step: int,
        episodes: int | UInts | None,
        time_ms: int | None,
        times: Ints | None,
    ) -> None:
        """Logs values [M, T] of M environments; the engine numbers their env steps.

        `episodes` is one for all, [M] or [M, T]; `times` is [M] or [M, T].

        Raises:
            As `points`.
        """
        self._rl(0, series, envs, values, rl_step, episodes, time_ms, times)

    def rl_episodes(
        self,
        series: int,
        envs: Environments,
        values: Values,
        rl_step: int,
        episodes: int | UInts | None,
        time_ms: int | None,
        times: Ints | None,
    ) -> None:
        """Logs values [M, T] of T whole episodes of each of M environments.

        `episodes` is the first one for all, [M] for the first of each environment, or
        [M, T]; None goes on from the last.

        Raises:
            As `points`.
        """
        self._rl(1, series, envs, values, rl_step, episodes, time_ms, times)

    def _rl(
        self,
        of_episodes: int,
        series: int,
        envs: Environments,
        values: Values,
        rl_step: int,
        episodes: int | UInts | None,
        time_ms: int | None,
        times: Ints | None,
    ) -> None:
        rows, columns = values.shape
        if len(envs) != rows:
            raise errors.MetranaValidationError(
                f"there are {rows} rows of values for {len(envs)} environments"
            )
        # One number goes by reference: an array of one, and its address, would
        # take several times as long.
        episode_at: object = None
        if isinstance(episodes, int):
            episode_at, episode_shape = ctypes.byref(c_uint64(episodes)), _ONE
        else:
            episode_shape = _shape(episodes, values, "episode")
            if episodes is not None:
                episode_at = episodes.ctypes.data
        if times is None:
            time_at: object = ctypes.byref(c_int64(_now() if time_ms is None else time_ms))
            time_shape = _ONE
        else:
            time_at, time_shape = times.ctypes.data, _shape(times, values, "timestamp")
        self._until_room(
            self._library.mt_rl,
            self._logger,
            series,
            of_episodes,
            envs.ctypes.data,
            rows,
            values.ctypes.data,
            columns,
            rl_step,
            episode_shape,
            episode_at,
            time_shape,
            time_at,
        )

    def attributes(self, updates: Sequence[tuple[str, str, object]]) -> None:
        """Sets attributes of the run: (path, kind, value), all of them or none.

        Kinds: null, bool, int, float, string, string_set, string_set_delta (added, removed),
        timestamp (ns since the epoch).

        Raises:
            MetranaValidationError: A path that cannot be.
            As `points`.
        """
        self._attributes(None, None, updates)

    def env_attributes(
        self, env_id: str, episode: int | None, updates: Sequence[tuple[str, str, object]]
    ) -> None:
        """Sets attributes of an environment, or of one of its episodes. As `attributes`."""
        self._attributes(_utf8(env_id, "environment id"), episode, updates)

    def _attributes(
        self,
        environment: bytes | None,
        episode: int | None,
        updates: Sequence[tuple[str, str, object]],
    ) -> None:
        finite = [
            (path, "null", None)
            if kind == "float" and not math.isfinite(value)  # type: ignore[arg-type] # kind says so
            else (path, kind, value)
            for path, kind, value in updates
        ]
        encoded = _utf8(json.dumps(finite, ensure_ascii=False), "attribute")
        self._until_room(
            self._library.mt_attributes,
            self._logger,
            environment,
            0 if environment is None else len(environment),
            -1 if episode is None else episode,
            encoded,
            len(encoded),
        )

    # State

    def stats(self) -> dict[str, int]:
        """Every counter of `Metrics`, exact at this moment."""
        self._check_process()
        out = (c_uint64 * len(_STATS))()
        self._checked(self._library.mt_stats(self._logger, ctypes.addressof(out), len(_STATS)))
        return dict(zip(_STATS, out, strict=True))

    def check_errors(self) -> list[str]:
        """The losses that have not surfaced yet, which then will not surface again."""
        self._check_process()
        return self._events(_LOSSES)["errors"]

    # Statuses

    def _until_room(self, function: Callable[..., int], *arguments: object) -> None:
        """Calls a log function again and again while it waits for room in the queue."""
        self._check_process()
        status = function(*arguments, 0, _text.address, _TEXT_SIZE)
        if status == _AGAIN:
            begin = time.monotonic()
            while status == _AGAIN:
                waited = min(int((time.monotonic() - begin) * 1000), 2**31 - 1)
                status = function(*arguments, waited, _text.address, _TEXT_SIZE)
        if status == 0:
            return
        self._checked(status)
        if status == _EVENTS:
            self._surface()

    def _checked(self, status: int) -> int:
        if status >= 0:
            return status
        kind = _EXCEPTIONS.get(status, errors.MetranaError)
        raise kind(_text.read() or f"the engine answered with status {status}")

    def _surface(self) -> None:
        """Shows warnings, and raises losses where the error strategy says so."""
        events = self._events(_AT_LOG)
        for text in events["warnings"]:
            logger.warning("{}", text)
        if events["errors"]:
            raise errors.MetranaSenderError("\n".join(events["errors"]))

    def _events(self, when: int) -> dict[str, list[str]]:
        self._checked(self._library.mt_events(self._logger, when, _text.address, _TEXT_SIZE))
        events = json.loads(_text.read())
        return {name: events[name] or [] for name in ("warnings", "errors")}

    def _check_process(self) -> None:
        if self._generation != _generation:
            raise errors.MetranaProcessForkError(
                "this engine was started by the process that this one was forked from; "
                "it cannot be used here"
            )


def _utf8(text: str, what: str) -> bytes:
    if not isinstance(text, str):
        raise TypeError(f"{what} must be a string, not {text!r}")
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise errors.MetranaValidationError(f"invalid {what} {text!r}: {error}") from None


def _identity(name: str, scale: str, labels: Sequence[tuple[str, str]]) -> tuple[Any, ...]:
    """A series as lengths and bytes of its parts; see mt_series."""
    parts = [_utf8(name, "metric name"), _utf8(scale, "scale")]
    parts += [_utf8(text, "label") for pair in labels for text in pair]
    lengths = (c_int32 * len(parts))(*map(len, parts))
    text = b"".join(parts)
    return lengths, len(parts), text, len(text)


def _check_lengths(values: Values, **others: UInts | Ints | None) -> None:
    for name, other in others.items():
        if other is not None and len(other) != len(values):
            raise errors.MetranaValidationError(
                f"there are {len(other)} {name} for {len(values)} values"
            )


def _shape(given: UInts | Ints | None, values: Values, name: str) -> int:
    if given is None:
        return _NONE
    if given.shape == values.shape:
        return _PER_POINT
    if given.shape == values.shape[:1]:
        return _PER_ROW
    raise errors.MetranaValidationError(
        f"{name} must be one number, {values.shape[:1]} or {values.shape}, not {given.shape}"
    )


def _now() -> int:
    return time.time_ns() // 1_000_000
