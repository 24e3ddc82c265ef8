"""Functions of whole series, such as the last value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metrana.answers import instant
from metrana.asking import Asking
from metrana.frames import SeriesId, pandas
from metrana.request import NAMES_A_PAGE, Columns, strings, texts

if TYPE_CHECKING:
    import pandas as pd


class Summaries(Asking):
    """A row for each series."""

    def fetch_series_summaries(self, runs: str | Sequence[str], summaries: Columns) -> pd.DataFrame:
        """Functions of each matching series of each run.

        Args:
            runs: Names of runs.
            summaries: As `SeriesFilter("loss").last`, or in the grammar: `loss():min,max`.

        Returns:
            `run`, `series`, `name`, `scale`, `labels`, `last_step`, `last_timestamp` and the
            functions.
        """
        request = {
            **self._in_project(),
            "run_names": strings(runs),
            "summary_queries": texts(summaries),
            "limit": NAMES_A_PAGE,
        }
        rows = []
        for page in self._reader.pages("ListSeriesSummaries", request):
            for of_run in page.get("run_series_summaries", ()):
                for one in of_run.get("series_summaries", ()):
                    series = SeriesId.of(one["definition"])
                    ((_, values),) = one["summary_values"].items()
                    rows.append(
                        {
                            "run": of_run["run"],
                            "series": series.key,
                            "name": series.name,
                            "scale": series.scale,
                            "labels": dict(series.labels),
                            "last_step": values.pop("last_step", 0),
                            "last_timestamp": instant(values.pop("last_timestamp", None)),
                            **values,
                        }
                    )
        fixed = ["run", "series", "name", "scale", "labels", "last_step", "last_timestamp"]
        return pandas().DataFrame(rows, columns=None if rows else fixed)
