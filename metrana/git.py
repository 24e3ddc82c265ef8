"""The commit that a run was started from."""

from __future__ import annotations

import re

# Of a repository on a network that does not answer, the run does without.
_TIMEOUT_SECS = 2.0

# SHA-1 or SHA-256.
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


def commit_sha() -> str | None:
    """The commit checked out in the current directory; None outside a repository.

    Never raises and prints nothing, also where git is missing or refuses, and gives
    up on a git that takes longer than two seconds.
    """
    import subprocess  # slow to import, and needed by the creator of a run only

    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_TIMEOUT_SECS,
            check=True,
            # On Windows a program without a console would flash one up.
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except (OSError, subprocess.SubprocessError):
        return None
    found = answer.stdout.decode("ascii", "replace").strip()
    return found if _COMMIT.fullmatch(found) else None
