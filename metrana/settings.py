"""The arguments of init() and the environment, resolved into one checked value.

An argument that was given wins over its environment variable, which wins over
the default. An empty variable counts as unset.
"""

from __future__ import annotations

import dataclasses
import math
import operator
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote, urlsplit

from metrana import attributes, enums, orchestration
from metrana.enums import (
    BackpressureStrategy,
    Compression,
    ErrorStrategy,
    LogLevel,
    ResumeStrategy,
    RunMode,
    StrEnum,
)
from metrana.errors import (
    MetranaLoggerInitError,
    MetranaValidationError,
    NoMetranaApiKeyError,
)

if TYPE_CHECKING:
    from ipaddress import IPv6Address

DEFAULT_URL = "http://127.0.0.1:7420"

# What a server in local mode is sent, which takes any key.
_LOCAL_KEY = "local"

# What the engine can count calls, requests and bytes to.
_INT32 = 2**31 - 1
_UINT64 = 2**64 - 1

# A name or an IPv4 address, or an IPv6 address.
_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f]*:[0-9a-f:.]+")
_INT64 = 2**63 - 1


@dataclass(frozen=True)
class Settings:
    """What a run is opened with. Every value has been checked."""

    api_key: str
    ingestion_url: str
    """Scheme, host and port, nothing behind them."""
    workspace_name: str
    project_name: str
    run_name: str
    experiment_name: str | None
    fork_from_run: str | None
    fork_at_step: int | None
    create_project_if_missing: bool

    resume_strategy: ResumeStrategy
    orchestration_id: str
    logger_id: int
    closes_run: bool
    """Whether closing tells the server that the run has ended."""

    backpressure_strategy: BackpressureStrategy
    compression: Compression
    error_strategy: ErrorStrategy
    log_level: LogLevel
    autoconfigure_loguru: bool

    tags: list[str] | None
    description: str | None
    config: list[attributes.Update]
    """Flattened, under `config/`."""

    queue_capacity: int
    """In log calls."""
    enqueue_timeout_secs: float
    init_timeout_secs: float
    connect_timeout_secs: float
    max_pending_requests: int
    max_send_retries: int | None
    """None: for ever."""
    send_retry_initial_backoff_secs: float
    send_retry_max_backoff_secs: float
    batch_max_age_secs: float
    max_msg_size: int
    """In bytes."""

    system_metrics: bool

    rendering_output_dir: Path
    rendering_fps: float
    rendering_max_concurrent_encoders: int
    rendering_queue_max_size: int | None
    skip_drain_render_on_close: bool
    rendering_close_timeout: float | None
    rendering_upload: bool

    @property
    def dashboard_address(self) -> str:
        """Where a browser shows the run."""
        names = (self.workspace_name, self.project_name, self.run_name)
        return "/".join([self.ingestion_url, *(quote(name, safe="") for name in names)])

    def for_child(self) -> Settings:
        """For a process forked from the run's: another writer of the same, existing run."""
        return dataclasses.replace(
            self,
            logger_id=_random_id(),
            fork_from_run=None,
            fork_at_step=None,
            closes_run=False,
            system_metrics=False,
        )

    def engine_options(self) -> dict[str, object]:
        """What the engine has to know, as JSON values under the same names."""
        return {
            name: str(value) if isinstance(value, StrEnum) else value
            for name in _ENGINE_OPTIONS
            for value in [getattr(self, name)]
        }


# The config is checked with the rest: a path that cannot be must not surface when
# the run exists already.
_ENGINE_OPTIONS = (
    "config",
    "api_key",
    "ingestion_url",
    "workspace_name",
    "project_name",
    "run_name",
    "experiment_name",
    "fork_from_run",
    "fork_at_step",
    "create_project_if_missing",
    "resume_strategy",
    "orchestration_id",
    "logger_id",
    "closes_run",
    "backpressure_strategy",
    "compression",
    "error_strategy",
    "queue_capacity",
    "enqueue_timeout_secs",
    "init_timeout_secs",
    "connect_timeout_secs",
    "max_pending_requests",
    "max_send_retries",
    "send_retry_initial_backoff_secs",
    "send_retry_max_backoff_secs",
    "batch_max_age_secs",
    "max_msg_size",
)


def run_mode(given: object) -> RunMode:
    """The mode given to `metrana.init`, else that of the environment, else online."""
    arguments = _Arguments({"mode": given})
    return arguments.choice(RunMode, "mode", "METRANA_MODE", RunMode.ONLINE)


def resolve(arguments: Mapping[str, object]) -> Settings:
    """Checks the arguments of `metrana.init` and fills in what they leave out.

    Raises:
        NoMetranaApiKeyError: No key, towards a server that is not on this machine.
        MetranaValidationError: A value that cannot be; the text names it.
        TypeError: A value of the wrong kind.
    """
    given = _Arguments(arguments)
    url = _url(given)
    fork_from_run, fork_at_step = _fork_point(given)
    return Settings(
        api_key=_api_key(given, url),
        ingestion_url=url,
        workspace_name=given.name("workspace_name"),
        project_name=given.name("project_name"),
        run_name=given.name("run_name"),
        experiment_name=given.text("experiment_name"),
        fork_from_run=fork_from_run,
        fork_at_step=fork_at_step,
        create_project_if_missing=given.flag("create_project_if_missing"),
        resume_strategy=given.choice(
            ResumeStrategy, "resume_strategy", "METRANA_RESUME_STRATEGY", ResumeStrategy.NEVER
        ),
        orchestration_id=_encodable(
            orchestration.resolve(given.text("orchestration_id")), "orchestration_id"
        ),
        logger_id=_logger_id(given),
        closes_run=True,
        backpressure_strategy=given.choice(
            BackpressureStrategy,
            "backpressure_strategy",
            "METRANA_BACKPRESSURE_STRATEGY",
            BackpressureStrategy.DROP_NEW,
        ),
        compression=given.choice(Compression, "compression", None, Compression.NONE),
        error_strategy=given.choice(
            ErrorStrategy, "error_strategy", "METRANA_ERROR_MODES", ErrorStrategy.WARN
        ),
        log_level=given.choice(LogLevel, "log_level", "METRANA_LOG_LEVEL", LogLevel.SUCCESS),
        autoconfigure_loguru=given.flag("autoconfigure_loguru"),
        tags=given.tags("tags"),
        description=given.text("description", empty_counts=True),
        config=given.config("config"),
        queue_capacity=_queue_capacity(given),
        enqueue_timeout_secs=given.duration("enqueue_timeout_secs"),
        init_timeout_secs=given.duration("init_timeout_secs", zero=False),
        connect_timeout_secs=given.duration("connect_timeout_secs", zero=False),
        max_pending_requests=given.count("max_pending_requests", 1, _INT32),
        max_send_retries=given.optional_count("max_send_retries", 0),
        send_retry_initial_backoff_secs=given.duration("send_retry_initial_backoff_secs"),
        send_retry_max_backoff_secs=given.duration("send_retry_max_backoff_secs"),
        batch_max_age_secs=given.duration("batch_max_age_secs"),
        max_msg_size=given.count("max_msg_size", 1, _INT32),
        system_metrics=given.switch("system_metrics", "METRANA_SYSTEM_METRICS"),
        rendering_output_dir=_folder(given),
        rendering_fps=given.duration("rendering_fps", zero=False),
        rendering_max_concurrent_encoders=given.count("rendering_max_concurrent_encoders", 1),
        rendering_queue_max_size=given.optional_count("rendering_queue_max_size", 1),
        skip_drain_render_on_close=given.switch(
            "skip_drain_render_on_close", "METRANA_SKIP_DRAIN_RENDER_ON_CLOSE"
        ),
        rendering_close_timeout=_rendering_close_timeout(given),
        rendering_upload=given.switch("rendering_upload", "METRANA_RENDERING_UPLOAD"),
    )


_E = TypeVar("_E", bound=StrEnum)


class _Arguments:
    """Reads and checks one argument after the other. Errors name argument and value."""

    def __init__(self, arguments: Mapping[str, object]) -> None:
        self._arguments = arguments

    def __getitem__(self, name: str) -> object:
        return self._arguments[name]

    def name(self, name: str) -> str:
        value = self._arguments[name]
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, not {value!r}")
        if not value:
            raise MetranaValidationError(f"{name} must not be empty")
        return _encodable(value, name)

    def text(self, name: str, *, empty_counts: bool = False) -> str | None:
        value = self._arguments[name]
        if value is None or (value == "" and not empty_counts):
            return None
        if not isinstance(value, str):
            raise TypeError(f"{name} must be a string, not {value!r}")
        return _encodable(value, name)

    def text_or_variable(self, name: str, variable: str) -> tuple[str | None, str]:
        """The text, and what it comes from."""
        value = self.text(name)
        found = os.environ.get(variable)
        if value is not None or not found:
            return value, name
        return _encodable(found, variable), variable

    def flag(self, name: str) -> bool:
        value = self._arguments[name]
        if not isinstance(value, bool):
            raise TypeError(f"{name} must be True or False, not {value!r}")
        return value

    def switch(self, name: str, variable: str) -> bool:
        """Off without an argument and a variable."""
        if self._arguments[name] is not None:
            return self.flag(name)
        found = os.environ.get(variable, "").strip().lower()
        if found in ("1", "true", "yes", "on"):
            return True
        if found in ("", "0", "false", "no", "off"):
            return False
        raise MetranaValidationError(f"{variable} must be true or false, not {found!r}")

    def choice(self, kind: type[_E], name: str, variable: str | None, default: _E) -> _E:
        value = self._arguments[name]
        source = name
        if value is None and variable is not None:
            value = os.environ.get(variable) or None
            source = variable
        if value is None:
            return default
        try:
            return enums.parse(kind, value)
        except ValueError as error:
            raise MetranaValidationError(f"{source}: {error}") from None

    def tags(self, name: str) -> list[str] | None:
        value = self._arguments[name]
        return None if value is None else attributes.tags(value)

    def config(self, name: str) -> list[attributes.Update]:
        value = self._arguments[name]
        return [] if value is None else attributes.flatten("config", value)

    def count(self, name: str, least: int, most: int = _INT64) -> int:
        return whole(self._arguments[name], name, least, most)

    def optional_count(self, name: str, least: int) -> int | None:
        return None if self._arguments[name] is None else self.count(name, least)

    def duration(self, name: str, *, zero: bool = True) -> float:
        return duration(self._arguments[name], name, zero=zero)


def _encodable(text: str, name: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise MetranaValidationError(f"{name} {text!r} is no Unicode text: {error}") from None
    return text


def whole(value: object, name: str, least: int, most: int = _INT64) -> int:
    """`value` as an int within the bounds.

    Raises:
        TypeError: It is not a whole number.
        MetranaValidationError: It is out of bounds.
    """
    try:
        number = operator.index(value)  # type: ignore[arg-type] # its TypeError is the check
    except TypeError:
        raise TypeError(f"{name} must be a whole number, not {value!r}") from None
    if isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if not least <= number <= most:
        bound = f"at least {least}" if number < least else f"at most {most}"
        raise MetranaValidationError(f"{name} must be {bound}, not {number}")
    return number


def duration(value: object, name: str, *, zero: bool = True) -> float:
    """`value` as a finite, non-negative float; `zero` says whether 0 will do.

    Raises:
        TypeError: It is not a number.
        MetranaValidationError: It is negative, not finite, or 0 where that cannot be.
    """
    if isinstance(value, (bool, str, bytes, bytearray)) or getattr(value, "ndim", None):
        raise TypeError(f"{name} must be a number, not {value!r}")
    try:
        number = float(value)  # type: ignore[arg-type] # its TypeError is the check
    except OverflowError:  # an int beyond all floats
        number = math.inf
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a number, not {value!r}") from None
    if not math.isfinite(number) or number < 0 or (number == 0 and not zero):
        least = "0 or more" if zero else "above 0"
        raise MetranaValidationError(f"{name} must be finite and {least}, not {value!r}")
    return number


def _url(given: _Arguments) -> str:
    url, source = given.text_or_variable("ingestion_url", "METRANA_INGESTION_URL")
    if url is None:
        return DEFAULT_URL
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if ":" in host:
            _ipv6(host)
    except ValueError as error:
        raise MetranaValidationError(f"{source} {url!r}: {error}") from None
    if (
        parts.scheme not in ("http", "https")
        or not _HOST.fullmatch(host)
        or "@" in parts.netloc
        or port == 0
        or re.search(r"[\s\x00-\x1f]", url)
    ):
        raise MetranaValidationError(
            f"{source} {url!r} must look like http://host:port or https://host:port"
        )
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def _api_key(given: _Arguments, url: str) -> str:
    key, source = given.text_or_variable("api_key", "METRANA_API_KEY")
    if key is None:
        if not _is_loopback(url):
            raise NoMetranaApiKeyError(
                f"no API key for {url}: pass api_key= to metrana.init() or set METRANA_API_KEY"
            )
        return _LOCAL_KEY
    # Of a secret no message shows more than what is wrong with it.
    if any(ord(character) < 32 or ord(character) == 127 for character in key):
        raise MetranaLoggerInitError(
            f"{source} contains a control character, perhaps the newline of the file it came from"
        )
    if not key.isascii():
        raise MetranaLoggerInitError(f"{source} contains a character that is not ASCII")
    return key


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if ":" in host:
        return _ipv6(host).is_loopback
    return host == "localhost" or host.endswith(".localhost") or _is_127(host)


def _ipv6(host: str) -> IPv6Address:
    import ipaddress  # slow to import, and rarely needed

    return ipaddress.IPv6Address(host)


def _is_127(host: str) -> bool:
    parts = host.split(".")
    return len(parts) == 4 and parts[0] == "127" and all(part.isdecimal() for part in parts)


def _fork_point(given: _Arguments) -> tuple[str | None, int | None]:
    parent, step = given.text("fork_from_run"), given["fork_at_step"]
    if (parent is None) != (step is None):
        raise MetranaValidationError(
            f"fork_from_run and fork_at_step belong together, but were {parent!r} and {step!r}"
        )
    return parent, None if step is None else whole(step, "fork_at_step", 0)


def _random_id() -> int:
    return int.from_bytes(os.urandom(8), "little") or 1


def _logger_id(given: _Arguments) -> int:
    if given["logger_id"] is None:
        return _random_id()
    return whole(given["logger_id"], "logger_id", 1, _UINT64)


def _queue_capacity(given: _Arguments) -> int:
    variable = "METRANA_EVENT_QUEUE_MAX_SIZE"
    found = os.environ.get(variable)
    if given["queue_capacity"] is not None:
        return given.count("queue_capacity", 1, _INT32)
    if not found:
        return 10_000
    try:
        return whole(int(found), variable, 1, _INT32)
    except ValueError as error:
        if isinstance(error, MetranaValidationError):
            raise
        raise MetranaValidationError(f"{variable} must be a number, not {found!r}") from None


def _folder(given: _Arguments) -> Path:
    folder = given["rendering_output_dir"]
    if folder is None:
        try:
            return Path.home() / ".metrana" / "renderings"
        except RuntimeError:  # nobody's home, as of a container's user without a name
            return Path(".metrana", "renderings")
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"rendering_output_dir must be a path, not {folder!r}")
    if not isinstance(os.fspath(folder), str):
        raise TypeError(f"rendering_output_dir must be a path of text, not {folder!r}")
    if not os.fspath(folder):
        raise MetranaValidationError("rendering_output_dir must not be empty")
    try:
        return Path(folder).expanduser()
    except RuntimeError as error:
        raise MetranaValidationError(f"rendering_output_dir {str(folder)!r}: {error}") from None


def _rendering_close_timeout(given: _Arguments) -> float | None:
    if given["rendering_close_timeout"] is not None:
        return given.duration("rendering_close_timeout")
    variable = "METRANA_RENDERING_CLOSE_TIMEOUT"
    found = os.environ.get(variable)
    if not found:
        return None
    try:
        return duration(float(found), variable)
    except ValueError as error:
        if isinstance(error, MetranaValidationError):
            raise
        raise MetranaValidationError(f"{variable} must be a number, not {found!r}") from None
