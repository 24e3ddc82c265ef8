"""`__init__` is the table of contents, and nothing else."""

from __future__ import annotations

import types

import metrana
import metrana.errors

FUNCTIONS = [
    "init",
    "is_initialized",
    "log",
    "log_distributed",
    "log_rl_episode",
    "log_rl_environment_step",
    "log_rendering",
    "log_config",
    "log_attributes",
    "log_env_attributes",
    "set_tags",
    "add_tags",
    "remove_tags",
    "set_description",
    "get_last_step",
    "get_env_last_rl_step_and_episode",
    "get_metrics",
    "check_sender_errors",
    "flush",
    "close",
]
ENUMS = [
    "StandardMetricScale",
    "LogLevel",
    "ErrorStrategy",
    "ResumeStrategy",
    "RunMode",
    "BackpressureStrategy",
    "Compression",
]


def test_all_lists_every_name_once() -> None:
    public = {
        name
        for name, value in vars(metrana).items()
        if not name.startswith("_") and not isinstance(value, types.ModuleType)
    }
    assert public | {"__version__"} == set(metrana.__all__)
    assert len(metrana.__all__) == len(set(metrana.__all__))


def test_all_holds_what_is_promised() -> None:
    errors = {
        name
        for name, value in vars(metrana.errors).items()
        if isinstance(value, type) and issubclass(value, metrana.errors.MetranaError)
    }
    others = {"Metrics", "OpenRun", "__version__"}
    assert set(metrana.__all__) == {*FUNCTIONS, *ENUMS, *errors, *others}
