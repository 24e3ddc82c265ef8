"""Reads a run back through the public QueryService, as any other client would.

The messages are built from the schema image that the wire-breaking check uses,
so that nothing of the package under test takes part in reading. Requests are
Connect unary calls with binary bodies: every bit of a value survives.
"""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_IMAGE = Path(__file__).parents[2] / "protos" / "image.binpb"
_PACKAGE = "metrana_protobuf.query.v1.svc"


def _messages() -> dict[str, Any]:
    files = descriptor_pb2.FileDescriptorSet.FromString(_IMAGE.read_bytes())
    pool = descriptor_pool.DescriptorPool()
    return dict(message_factory.GetMessages(files.file, pool))


_MESSAGES = _messages()


def message(name: str, **fields: Any) -> Any:
    """A message of the query package, by its short name."""
    return _MESSAGES[f"{_PACKAGE}.{name}"](**fields)


class Reader:
    """One run, read from the server at `url`."""

    def __init__(self, url: str, workspace: str, project: str, run: str) -> None:
        self._url = url
        self._project = {"workspace": workspace, "project": project}
        self._run = run

    def call(self, rpc: str, request: Any, answer: str | None = None) -> Any:
        """Calls one RPC; raises urllib.error.HTTPError with the server's text."""
        http = urllib.request.Request(
            f"{self._url}/{_PACKAGE}.QueryService/{rpc}",
            data=request.SerializeToString(),
            headers={"Content-Type": "application/proto"},
        )
        with urllib.request.urlopen(http, timeout=60) as response:
            return _MESSAGES[f"{_PACKAGE}.{answer or rpc + 'Response'}"].FromString(response.read())

    def _pages(self, rpc: str, request: Any) -> Iterator[Any]:
        while True:
            page = self.call(rpc, request)
            yield page
            if not page.HasField("resume_token"):
                return
            request.resume_token = page.resume_token

    def float_series(
        self, query: str, page: int = 1_000_000, *, inherited: bool = False
    ) -> dict[str, list[tuple[int, float, int]]]:
        """(step, value, time in ms) of each series that the query selects, by labels."""
        request = message(
            "ListFloatSeriesRequest",
            run_names=[self._run],
            series_queries=[query],
            include_timestamps=True,
            include_inherited=inherited,
            max_points_per_page=page,
            **self._project,
        )
        found: dict[str, list[tuple[int, float, int]]] = {}
        for answer in self._pages("ListFloatSeries", request):
            for run in answer.run_points:
                for series in run.series:
                    points = series.points
                    found.setdefault(_labels(series.definition), []).extend(
                        zip(points.steps, points.values, points.timestamp_millis, strict=True)
                    )
        return found

    def environments(self) -> list[Any]:
        """Every environment at the run's latest episode."""
        request = message(
            "ListRLEnvironmentsRequest",
            run=self._run,
            limit=1000,
            scale_selector=message("RLScaleSelector", episode=self.rl_info().latest_episode),
            **self._project,
        )
        return list(self.call("ListRLEnvironments", request).environments)

    def rl_info(self) -> Any:
        """Number of environments, latest episode and rl_step of the run."""
        return self.call("GetRLInfo", message("GetRLInfoRequest", run=self._run, **self._project))

    def rl_series(
        self, environment: str, *, rl_step: int | None = None, episode: int | None = None
    ) -> dict[tuple[str, str], list[tuple[int, float]]]:
        """(step, value) of every series of one environment at one rl_step or episode."""
        selector = (
            message("RLScaleSelector", rl_step=rl_step)
            if episode is None
            else message("RLScaleSelector", episode=episode)
        )
        request = message(
            "ListRLEnvironmentFloatSeriesRequest",
            run=self._run,
            environment=environment,
            scale_selector=selector,
            **self._project,
        )
        found: dict[tuple[str, str], list[tuple[int, float]]] = {}
        for answer in self._pages("ListRLEnvironmentFloatSeries", request):
            for series in answer.series:
                regular = series.definition.regular
                found.setdefault((regular.metric_name, regular.scale), []).extend(
                    zip(series.points.steps, series.points.values, strict=True)
                )
        return found

    def attributes(self) -> dict[str, Any]:
        """Every attribute of the run, by path."""
        request = message(
            "ListAttributesRequest",
            workspace=self._project["workspace"],
            run_source=message("AttrRunSource", project=self._project["project"], run=self._run),
            attr_filter=message("ListAttrFilter", all={}),
            limit=10_000,
        )
        found = {}
        for answer in self._pages("ListAttributes", request):
            for attribute in answer.attributes:
                kind = attribute.WhichOneof("value")
                value: Any = getattr(attribute, kind) if kind else None
                found[attribute.path] = list(value.values) if kind == "string_set_value" else value
        return found


def _labels(definition: Any) -> str:
    labels = definition.regular.labels
    return "&".join(f"{key}={labels[key]}" for key in sorted(labels))
