"""Read back what was logged; needs `pip install "metrana[query]"` for tables.

    from metrana.query import AttrFilter, QueryClient, SeriesFilter

    with QueryClient(workspace_name="me", project_name="cartpole") as client:
        runs = client.fetch_runs(
            filter=AttrFilter("config/lr") < 0.01,
            series_summaries=[SeriesFilter("loss").last],
        )
        loss = client.fetch_float_series(list(runs["name"]), "loss()")

Calls block until all pages of the answer are here; Ctrl-C ends them at once. They may be made
from any thread, not from a child of fork(), which makes a client of its own.
"""

from __future__ import annotations

from types import TracebackType

from metrana.aggregation import Aggregations
from metrana.asking import RLInfo
from metrana.attribute_definitions import Attributes
from metrana.buckets import BucketsOfSeries
from metrana.curves import Curve, Curves, CurvesOfSeries
from metrana.definitions import Definitions
from metrana.filters import (
    AttrFilter,
    Filter,
    LabelFilter,
    OrderBy,
    SeriesFilter,
    SummaryColumn,
)
from metrana.frames import (
    Axis,
    Buckets,
    FloatSeries,
    FloatSeriesList,
    SeriesBuckets,
    SeriesId,
)
from metrana.points import Points
from metrana.request import Steps
from metrana.statistics import GroupMember, Normalisation, StatisticsOfGroups
from metrana.summaries import Summaries
from metrana.tables import Tables
from metrana.views import Views

__all__ = [
    "AttrFilter",
    "Axis",
    "Buckets",
    "Curve",
    "Curves",
    "Filter",
    "FloatSeries",
    "FloatSeriesList",
    "GroupMember",
    "LabelFilter",
    "Normalisation",
    "OrderBy",
    "QueryClient",
    "RLInfo",
    "SeriesBuckets",
    "SeriesFilter",
    "SeriesId",
    "Steps",
    "SummaryColumn",
]


class QueryClient(
    Tables,
    Points,
    BucketsOfSeries,
    CurvesOfSeries,
    Aggregations,
    Summaries,
    Attributes,
    Definitions,
    StatisticsOfGroups,
    Views,
):
    """A connection to a server that answers queries about one project.

    Args:
        workspace_name: Else `METRANA_WORKSPACE`.
        project_name: Else `METRANA_PROJECT`. Only `fetch_projects` does without.
        api_key: Else `METRANA_API_KEY`; none for public workspaces and for servers on this machine.
        query_url: `http(s)://host[:port]`; else `METRANA_QUERY_API_URL`, else where `metrana.init`
            would log to.
        organization: Else `METRANA_ORGANIZATION`.
        progress: Show a bar when a read takes longer than a second; needs tqdm. None: when
            stderr is a terminal.

    Raises:
        MetranaQueryConfigError: An argument is missing, or the address cannot be.
        MetranaQueryTransportError: No server answers there within 10 s.

    Every call may raise MetranaQueryConfigError for what cannot be asked,
    MetranaQueryTransportError when the server is gone (after four attempts), and
    MetranaQueryRpcError with the server's reason when it refuses.
    """

    def __enter__(self) -> QueryClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
