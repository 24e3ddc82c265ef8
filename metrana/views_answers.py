"""Answers of the views, made into what `metrana.views_frames` has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metrana.answers import instant
from metrana.frames import SeriesId
from metrana.views_frames import (
    Counts,
    Delivery,
    EpisodeMatrix,
    Estimate,
    GroupStatistics,
    NonFinitePoint,
    RunHealth,
    Sample,
    Statistics,
    column,
)

_Answer = Mapping[str, Any]


def matrix_of(answer: _Answer) -> EpisodeMatrix:
    """Of a GetEpisodeMatrixResponse."""
    environments = answer.get("environments", [])
    first = column(answer.get("first_episodes"), "<u8")
    shape = len(environments), len(first)
    means = column(answer.get("means")).reshape(shape)
    # Left out when each cell holds one episode at most.
    minima, maxima = (
        column(answer[name]).reshape(shape) if name in answer else means
        for name in ("minima", "maxima")
    )
    counts = column(answer.get("environment_counts"), "<u8")
    last = answer.get("last_episode", 0)
    return EpisodeMatrix(environments, counts, first, last, means, minima, maxima)


def statistics_of(answer: _Answer) -> Statistics:
    """Of a GetStatisticsResponse."""
    parameters = {name: value for name, value in answer.items() if name not in ("grid", "groups")}
    return Statistics(
        column(answer.get("grid")), [_group(one) for one in answer.get("groups", ())], parameters
    )


def _group(one: _Answer) -> GroupStatistics:
    return GroupStatistics(
        one.get("name", ""),
        one.get("samples", 0),
        column(one.get("counts"), "<u8"),
        {
            curve["estimator"].removeprefix("ESTIMATOR_").lower(): Estimate(
                *(
                    column(curve.get(name))
                    for name in ("values", "confidence_low", "confidence_high")
                )
            )
            for curve in one.get("estimators", ())
        },
        {c.get("percentile", 0.0): column(c.get("values")) for c in one.get("percentiles", ())},
        [
            Sample(c.get("run", ""), c.get("environment"), column(c.get("values")))
            for c in one.get("sample_curves", ())
        ],
    )


_KINDS = ("float_points", "rl_float_points", "attribute_updates", "env_attribute_updates")


def health_of(answer: _Answer) -> RunHealth:
    """Of a GetRunHealthResponse."""
    return RunHealth(
        answer.get("points_stored", 0),
        answer.get("points_late", 0),
        answer.get("points_duplicate", 0),
        answer.get("points_refused", 0),
        {one["kind"]: one.get("count", 0) for one in answer.get("not_stored", ())},
        instant(answer.get("last_received")),
        instant(answer.get("newest_point")),
        answer.get("ingest_lag_millis"),
        [_delivery(one) for one in answer.get("deliveries", ())],
        [_non_finite(one) for one in answer.get("non_finite", ())],
        answer.get("more_non_finite", False),
    )


def _delivery(one: _Answer) -> Delivery:
    said = one.get("delivery", {})
    return Delivery(
        one["logger_id"],
        instant(one.get("reported")),
        *_counts(said),
        {name: count for name, count in said.items() if name not in _KINDS},
    )


def _counts(said: _Answer) -> tuple[Counts, Counts, Counts, Counts]:
    points, rl_points, updates, env_updates = (Counts(**said.get(kind, {})) for kind in _KINDS)
    return points, rl_points, updates, env_updates


def _non_finite(one: _Answer) -> NonFinitePoint:
    labels = dict(sorted(one.get("labels", {}).items()))
    return NonFinitePoint(
        SeriesId(one["metric_name"], one.get("scale", ""), labels),
        one.get("step", 0),
        one.get("value"),
        one.get("environment"),
        one.get("episode"),
        one.get("env_step", 0),
    )
