"""A connection to a server and a project on it: what all questions have in common."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from metrana._reader import Reader
from metrana.errors import MetranaQueryConfigError
from metrana.request import given
from metrana.settings import DEFAULT_URL


class RLInfo(NamedTuple):
    """What a run has of reinforcement learning."""

    number_of_environments: int
    """0: it is no RL run."""
    latest_episode: int
    latest_rl_step: int


class Asking:
    """Asks one server about one project; `QueryClient` says what the arguments are."""

    def __init__(
        self,
        *,
        workspace_name: str | None = None,
        project_name: str | None = None,
        api_key: str | None = None,
        query_url: str | None = None,
        organization: str | None = None,
        progress: bool | None = None,
    ) -> None:
        workspace = workspace_name or os.environ.get("METRANA_WORKSPACE")
        if not workspace:
            raise MetranaQueryConfigError(
                "no workspace: pass workspace_name= to QueryClient() or set METRANA_WORKSPACE"
            )
        self._project = project_name or os.environ.get("METRANA_PROJECT") or None
        organization = organization or os.environ.get("METRANA_ORGANIZATION") or None
        self._scope = {"workspace": workspace, **given(organization=organization)}
        url = (
            query_url
            or os.environ.get("METRANA_QUERY_API_URL")
            or os.environ.get("METRANA_INGESTION_URL")
            or DEFAULT_URL
        )
        self._progress = sys.stderr.isatty() if progress is None else progress
        self._reader = Reader(url, api_key or os.environ.get("METRANA_API_KEY") or None)

    def close(self) -> None:
        """Ends all calls and the connection."""
        self._reader.close()

    def get_rl_info(self, run: str) -> RLInfo:
        """How many environments a run has, and how far they are."""
        (answer,) = self._reader.pages("GetRLInfo", {**self._in_project(), "run": run})
        return RLInfo(*(answer.get(name, 0) for name in RLInfo._fields))

    def _named_project(self) -> str:
        if self._project is None:
            raise MetranaQueryConfigError(
                "no project: pass project_name= to QueryClient() or set METRANA_PROJECT"
            )
        return self._project

    def _in_project(self) -> dict[str, Any]:
        return {**self._scope, "project": self._named_project()}

    def _answer(self, method: str, request: dict[str, Any]) -> Any:
        (answer,) = self._reader.pages(method, request)
        return answer

    def _in_views(self) -> dict[str, str]:
        # Organizations are none of the views' business.
        return {"workspace": self._scope["workspace"], "project": self._named_project()}

    def _items(
        self, method: str, request: dict[str, Any], field: str, limit: int | None
    ) -> Iterator[Any]:
        if limit is not None and limit < 1:
            raise MetranaQueryConfigError(f"limit must be 1 or more, not {limit!r}")
        for page in self._reader.pages(method, request, limit or 0):
            yield from page.get(field, ())

    def _anchor(self, run: str, rl_step: int | None, episode: int | None) -> dict[str, int]:
        if rl_step is not None and episode is not None:
            raise MetranaQueryConfigError("say rl_step= or episode=, not both")
        if rl_step is not None:
            return {"rl_step": rl_step}
        return {"episode": self.get_rl_info(run).latest_episode if episode is None else episode}
