"""Which attributes there are, and what they hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from metrana.answers import value_of
from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.frames import pandas
from metrana.request import NAMES_A_PAGE, given, strings

if TYPE_CHECKING:
    import pandas as pd


class Attributes(Asking):
    """Attributes of runs, projects and environments."""

    def list_run_attribute_definitions(
        self,
        *,
        run: str | None = None,
        experiment: str | None = None,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes runs have: `path`, `kind`.

        Args:
            run: Only of this run.
            experiment: Only of this experiment's runs.
            regex: Only paths that hold a match (RE2).
            prefix: Only paths that begin so.
            kinds: Only of kinds `BOOL`, `STRING`, `FLOAT`, `INT`, `STRING_SET`, `TIMESTAMP`.
        """
        source = {"project": self._named_project(), **given(experiment=experiment, run=run)}
        return self._attribute_definitions(
            "ListAttributesDefinitions",
            {**self._scope, "run_source": source},
            _attr_filter(regex, prefix, kinds),
        )

    def list_project_attribute_definitions(
        self, *, regex: str | None = None, prefix: str | None = None, kinds: Sequence[str] = ()
    ) -> pd.DataFrame:
        """Which attributes projects of the workspace have: `path`, `kind`."""
        return self._attribute_definitions(
            "ListAttributesDefinitions",
            {**self._scope, "project_source": {}},
            _attr_filter(regex, prefix, kinds),
        )

    def list_rl_env_attribute_definitions(
        self,
        run: str,
        *,
        environment: str | None = None,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes the environments of a run have: `path`, `kind`."""
        return self._attribute_definitions(
            "ListRLAttributesDefinitions",
            {**self._in_project(), "run": run, **given(environment=environment)},
            _attr_filter(regex, prefix, kinds),
        )

    def list_rl_env_attribute_definitions_across_runs(
        self,
        runs: Sequence[str],
        *,
        regex: str | None = None,
        prefix: str | None = None,
        kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which attributes the environments of these runs have, 100 runs at most."""
        return self._attribute_definitions(
            "ListRLAttributesDefinitionsAcrossRuns",
            {**self._in_project(), "runs": strings(runs)},
            _attr_filter(regex, prefix, kinds),
        )

    def list_run_attributes(
        self, run: str, *, regex: str | None = None, prefix: str | None = None
    ) -> dict[str, Any]:
        """A run's attributes by path: bool, int, float, str, list of str, datetime (UTC)."""
        source = {"project": self._named_project(), "run": run}
        return self._attributes(
            "ListAttributes",
            {**self._scope, "run_source": source},
            _attr_filter(regex, prefix, ()),
        )

    def list_rl_env_attributes(
        self,
        run: str,
        environment: str,
        *,
        episode: int | None = None,
        regex: str | None = None,
        prefix: str | None = None,
    ) -> dict[str, Any]:
        """An environment's attributes by path: those that were logged without an episode.

        Those that hold at an episode when one is given.
        """
        return self._attributes(
            "ListRLEnvAttributes",
            {
                **self._in_project(),
                "run": run,
                "environment": environment,
                **given(episode=episode),
            },
            _attr_filter(regex, prefix, ()),
        )

    def _attribute_definitions(
        self, method: str, request: dict[str, Any], chosen: dict[str, Any]
    ) -> pd.DataFrame:
        request |= {"attr_filter": chosen, "limit": NAMES_A_PAGE}
        rows = [
            (one["path"], one["kind"].removeprefix("ATTR_KIND_"))
            for page in self._reader.pages(method, request)
            for one in page.get("attribute_defs", ())
        ]
        return pandas().DataFrame(rows, columns=["path", "kind"])

    def _attributes(
        self, method: str, request: dict[str, Any], chosen: dict[str, Any]
    ) -> dict[str, Any]:
        request |= {"attr_filter": chosen, "limit": NAMES_A_PAGE}
        return {
            one["path"]: value_of(one)
            for page in self._reader.pages(method, request)
            for one in page.get("attributes", ())
        }


def _attr_filter(regex: str | None, prefix: str | None, kinds: Sequence[str]) -> dict[str, Any]:
    if regex is not None and prefix is not None:
        raise MetranaQueryConfigError("say regex= or prefix=, not both")
    if prefix is not None:
        regex = f"^{re.escape(prefix)}"
    chosen: dict[str, Any] = {"all": {}} if regex is None else {"regex": regex}
    return {**chosen, "kinds": [f"ATTR_KIND_{kind}" for kind in kinds]}
