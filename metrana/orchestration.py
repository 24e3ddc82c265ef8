"""Which job is this: the identifier that processes of one run share."""

from __future__ import annotations

import os

VARIABLE = "METRANA_ORCHESTRATION_ID"

# Set by torchrun, Slurm and Ray for every process of a job.
_FRAMEWORK_VARIABLES = ("TORCHELASTIC_RUN_ID", "SLURM_JOB_ID", "RAY_JOB_ID")


def resolve(given: str | None) -> str:
    """The given identifier, else the environment's, else a random one.

    A random one is matched only by processes that inherit this one's environment.
    """
    if given:
        return given
    for variable in (VARIABLE, *_FRAMEWORK_VARIABLES):
        found = os.environ.get(variable)
        if found:
            return found
    return os.urandom(16).hex()


def publish(identifier: str) -> None:
    """Hands the identifier to all processes started from now on."""
    os.environ[VARIABLE] = identifier
