"""What requests are put together of, from what a caller says."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from metrana.errors import MetranaQueryConfigError
from metrana.filters import AttrFilter, SeriesFilter, SummaryColumn

SeriesQueries = SeriesFilter | str | Sequence[SeriesFilter | str]
Range = tuple[int | None, int | None]
"""From here to there, both included; None at an end: without bound."""
ValueRange = tuple[float | None, float | None]
"""The same of values."""
Columns = SummaryColumn | str | Sequence[SummaryColumn | str]

NAMES_A_PAGE = 10_000
NEWEST_FIRST = AttrFilter("sys/creation_time").desc()


@dataclasses.dataclass(frozen=True)
class Steps:
    """A choice of points by their steps; one of these, or none for all.

    Attributes:
        first: The lowest step.
        last: The highest step.
        from_the_beginning: So many points of each series.
        from_the_end: So many points of each series.
    """

    first: int | None = None
    last: int | None = None
    from_the_beginning: int | None = None
    from_the_end: int | None = None

    def selection(self) -> dict[str, Any]:
        """As the protocol writes it."""
        counted = [n for n in (self.from_the_beginning, self.from_the_end) if n is not None]
        if len(counted) > 1 or (counted and (self.first, self.last) != (None, None)):
            raise MetranaQueryConfigError(f"of {self} only one kind of choice can hold")
        if self.from_the_beginning is not None:
            return {"per_series_from_the_beginning": self.from_the_beginning}
        if self.from_the_end is not None:
            return {"per_series_from_the_end": self.from_the_end}
        return {"step_range": given(from_step=self.first, to_step=self.last)}


def given(**fields: Any) -> dict[str, Any]:
    """The fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}


def text(value: object) -> str | None:
    """A filter or its like as the grammar writes it."""
    return None if value is None else str(value)


def texts(values: object) -> list[str]:
    """One query, or a list of them."""
    if isinstance(values, (str, SeriesFilter, SummaryColumn)):
        return [str(values)]
    if not isinstance(values, Iterable):
        raise MetranaQueryConfigError(f"a query or a list of them is wanted, not {values!r}")
    return [str(one) for one in values]


def strings(values: str | Iterable[str]) -> list[str]:
    """One name, or a list of them."""
    names = [values] if isinstance(values, str) else list(values)
    for name in names:
        if not isinstance(name, str):
            raise MetranaQueryConfigError(f"a name must be a str, not {name!r}")
    return names


def axis_of(known: Sequence[str], **named: str) -> str:
    """An argument that is one of these axes, as the protocol writes it."""
    ((argument, axis),) = named.items()
    if axis not in known:
        raise MetranaQueryConfigError(f"{argument} must be one of {', '.join(known)}, not {axis!r}")
    return f"AXIS_{axis.upper()}"


def ranges(**named: Range | ValueRange | None) -> dict[str, dict[str, float]]:
    """As the protocol writes ranges, those that are given."""
    return {
        name: given(**{"from": of[0], "to": of[1]}) for name, of in named.items() if of is not None
    }
