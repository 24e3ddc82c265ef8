"""Metrics of machine learning and reinforcement learning runs.

Example:
    import metrana

    metrana.init(workspace_name="me", project_name="cartpole", run_name="run-001")
    metrana.log("loss", 0.5)
    metrana.close()
"""

from metrana._version import __version__
from metrana.api import (
    OpenRun,
    add_tags,
    check_sender_errors,
    close,
    flush,
    get_env_last_rl_step_and_episode,
    get_last_step,
    get_metrics,
    init,
    is_initialized,
    log,
    log_attributes,
    log_config,
    log_distributed,
    log_env_attributes,
    log_rendering,
    log_rl_environment_step,
    log_rl_episode,
    remove_tags,
    set_description,
    set_tags,
)
from metrana.enums import (
    BackpressureStrategy,
    Compression,
    ErrorStrategy,
    LogLevel,
    ResumeStrategy,
    RunMode,
    StandardMetricScale,
)
from metrana.errors import (
    MetranaClosingError,
    MetranaError,
    MetranaEventQueueFullError,
    MetranaLoggerClosedError,
    MetranaLoggerInitError,
    MetranaNotInitializedError,
    MetranaOrchestrationIdMismatchError,
    MetranaProcessForkError,
    MetranaRenderingUnavailableError,
    MetranaRunAlreadyExistsError,
    MetranaSenderError,
    MetranaValidationError,
    NoMetranaApiKeyError,
)
from metrana.metrics import Metrics

__all__ = [
    "BackpressureStrategy",
    "Compression",
    "ErrorStrategy",
    "LogLevel",
    "MetranaClosingError",
    "MetranaError",
    "MetranaEventQueueFullError",
    "MetranaLoggerClosedError",
    "MetranaLoggerInitError",
    "MetranaNotInitializedError",
    "MetranaOrchestrationIdMismatchError",
    "MetranaProcessForkError",
    "MetranaRenderingUnavailableError",
    "MetranaRunAlreadyExistsError",
    "MetranaSenderError",
    "MetranaValidationError",
    "Metrics",
    "NoMetranaApiKeyError",
    "OpenRun",
    "ResumeStrategy",
    "RunMode",
    "StandardMetricScale",
    "__version__",
    "add_tags",
    "check_sender_errors",
    "close",
    "flush",
    "get_env_last_rl_step_and_episode",
    "get_last_step",
    "get_metrics",
    "init",
    "is_initialized",
    "log",
    "log_attributes",
    "log_config",
    "log_distributed",
    "log_env_attributes",
    "log_rendering",
    "log_rl_environment_step",
    "log_rl_episode",
    "remove_tags",
    "set_description",
    "set_tags",
]
