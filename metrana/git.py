"""The commit that a run was started from."""

from __future__ import annotations


def commit_sha() -> str | None:
    """The commit checked out in the current directory; None outside a repository.

    Never raises and prints nothing, also where git is missing or refuses.
    """
    import subprocess  # slow to import, and needed by the creator of a run only

    try:
        answer = subprocess.run(
            ["git", "rev-parse", "--verify", "HEAD"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=5,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.decode("ascii", "replace").strip() or None
