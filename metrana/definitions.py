"""Which metrics and series there are, and the values of their labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metrana.asking import Asking
from metrana.errors import MetranaQueryConfigError
from metrana.frames import SeriesId, pandas
from metrana.request import NAMES_A_PAGE, SeriesQueries, given, strings, texts

if TYPE_CHECKING:
    import pandas as pd


class Definitions(Asking):
    """Metrics and series by what names them."""

    def list_metric_definitions(
        self,
        *,
        runs: str | Sequence[str] = (),
        experiment: str | None = None,
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
        value_kinds: Sequence[str] = (),
        skip_aggregated: bool = False,
    ) -> pd.DataFrame:
        """Which metrics there are: `name`, `scale`, `label_keys`, `aggregated`, `value_kind`.

        Args:
            runs: Only of these runs.
            experiment: Only of this experiment's runs.
            prefixes: Only names that begin with one of these.
            regex: Only names that hold a match (RE2).
            scales: Only of these scales.
            value_kinds: Only of kinds `FLOAT`, `HISTOGRAM`, `DENSITY_HISTOGRAM`, `SCATTER`,
                `SCATTER_3D`.
            skip_aggregated: Leave out what the server aggregated over labels.
        """
        return self._metric_definitions(
            "ListMetricDefinitions",
            {
                **self._in_project(),
                "run_names": strings(runs),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                "value_kinds": _value_kinds(value_kinds),
                "skip_aggregated": skip_aggregated,
                **given(experiment=experiment, regex=regex),
            },
        )

    def list_rl_env_metric_definitions(
        self,
        run: str,
        *,
        environments: str | Sequence[str] = (),
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which metrics environments of a run have; the columns of `list_metric_definitions`."""
        return self._metric_definitions(
            "ListRLEnvironmentMetricDefinitions",
            {
                **self._in_project(),
                "run": run,
                "environments": strings(environments),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                **given(regex=regex),
            },
        )

    def list_rl_env_metric_definitions_across_runs(
        self,
        runs: Sequence[str],
        *,
        prefixes: Sequence[str] = (),
        regex: str | None = None,
        scales: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which metrics the environments of these runs have, 100 runs at most."""
        return self._metric_definitions(
            "ListRLEnvironmentMetricDefinitionsAcrossRuns",
            {
                **self._in_project(),
                "runs": strings(runs),
                "metric_name_prefixes": list(prefixes),
                "scales": list(scales),
                **given(regex=regex),
            },
        )

    def list_series_definitions(
        self,
        *,
        run: str | None = None,
        experiment: str | None = None,
        series: SeriesQueries = (),
        value_kinds: Sequence[str] = (),
    ) -> pd.DataFrame:
        """Which series there are: `series`, `name`, `scale`, `labels`, `aggregated`.

        Args:
            run: Only of this run.
            experiment: Only of this experiment's runs.
            series: Only those chosen so.
            value_kinds: Only of these kinds; those of `list_metric_definitions`.
        """
        request = {
            **self._in_project(),
            **given(run=run, experiment=experiment),
            "series_filters": texts(series),
            "value_kinds": _value_kinds(value_kinds),
            "limit": NAMES_A_PAGE,
        }
        found = [
            SeriesId.of(one)
            for page in self._reader.pages("ListSeriesDefinitions", request)
            for one in page.get("series_definitions", ())
        ]
        names = ["series", "name", "scale", "labels", "aggregated"]
        rows = [(one.key, one.name, one.scale, dict(one.labels), one.aggregated) for one in found]
        return pandas().DataFrame(rows, columns=names)

    def list_series_label_values(
        self,
        run: str,
        keys: Sequence[str] | Mapping[str, str] = (),
        *,
        regexes: Mapping[str, str] | None = None,
    ) -> dict[str, list[str]]:
        """Which values the labels of a run's series have.

        Args:
            run: The run.
            keys: Label keys; as a mapping, with how their values must begin.
            regexes: Further keys, with what their values must match (RE2). 10 keys at most.
        """
        prefixes = dict(keys) if isinstance(keys, Mapping) else dict.fromkeys(strings(keys), "")
        matching = dict(regexes or {})
        if twice := prefixes.keys() & matching.keys():
            raise MetranaQueryConfigError(f"keys= and regexes= both name {sorted(twice)}")
        request = {
            **self._in_project(),
            "run": run,
            "label_key_filters": [
                *({"key": key, "value_prefix": prefix} for key, prefix in prefixes.items()),
                *({"key": key, "value_regex": regex} for key, regex in matching.items()),
            ],
            "limit": NAMES_A_PAGE,
        }
        values: dict[str, list[str]] = {key: [] for key in (*prefixes, *matching)}
        for page in self._reader.pages("ListSeriesLabelValues", request):
            for one in page.get("label_key_values", ()):
                values.setdefault(one["key"], []).extend(one.get("values", ()))
        return values

    def _metric_definitions(self, method: str, request: dict[str, Any]) -> pd.DataFrame:
        request["limit"] = NAMES_A_PAGE
        rows = [
            (
                one.get("metric_name", ""),
                one.get("scale", ""),
                one.get("label_keys", []),
                one.get("is_aggregated", False),
                one.get("value_kind", "SERIES_VALUE_KIND_FLOAT").removeprefix("SERIES_VALUE_KIND_"),
            )
            for page in self._reader.pages(method, request)
            for one in page.get("metric_definitions", ())
        ]
        names = ["name", "scale", "label_keys", "aggregated", "value_kind"]
        return pandas().DataFrame(rows, columns=names)


def _value_kinds(kinds: Sequence[str]) -> list[str]:
    return [f"SERIES_VALUE_KIND_{kind}" for kind in strings(kinds)]
