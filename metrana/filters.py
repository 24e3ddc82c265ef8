"""Filters, orderings and columns of queries, as the server's grammar writes them.

What is put in is escaped, so that any name and any text can be asked for:

    >>> AttrFilter("config/lr") < 0.01
    attr(config/lr) < 0.01
    >>> good = AttrFilter("sys/tags").contains("ppo") | (SeriesFilter("loss").last <= 0.5)
    >>> good & AttrFilter("seed").exists()
    (attr(sys/tags) CONTAINS "ppo" OR loss():last <= 0.5) AND attr(seed) EXISTS
    >>> SeriesFilter("return", scale="EPISODE").max.desc()
    return(scale="EPISODE"):max DESC
"""

from __future__ import annotations

import datetime as dt
import decimal
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from metrana.errors import MetranaQueryConfigError

Literal: TypeAlias = bool | int | float | str | dt.datetime
"""What attributes are compared with."""

_ENDS_A_NAME = frozenset(' \t\r\n()[],=<>!~"|')
# fmt: off
_WORDS = (
    "and", "or", "exists", "in", "not", "contains", "any", "all", "asc", "desc", "scale",
    "filter", "aggregate", "keys", "view", "group_by", "reducer", "value_kind", "value_reducer",
    "float", "histogram", "density_histogram", "scatter", "scatter_3d",
)
_FUNCTIONS = (
    "first", "last", "min", "max", "sum", "avg", "count", "std",
    "first_count", "first_min", "first_max", "first_avg", "first_std",
    "last_count", "last_sum", "last_min", "last_max", "last_avg", "last_std",
)
# fmt: on
_KEYWORDS = frozenset(form for word in _WORDS for form in (word, word.upper(), word.capitalize()))
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?")
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})

_REDUCERS = ("min", "max", "avg", "std")
_INT64 = 2**63


class _Text:
    """Something written in the grammar."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return self._text

    __repr__ = __str__


class Filter(_Text):
    """A condition. `&` and `|` join two of them."""

    def __and__(self, other: Filter) -> Filter:
        return _Joined(f"{_operand(self)} AND {_operand(other)}")

    def __or__(self, other: Filter) -> Filter:
        return _Joined(f"{_operand(self)} OR {_operand(other)}")

    def __bool__(self) -> bool:
        raise TypeError(
            "a filter has no truth value: join filters with & and |, each comparison in parentheses"
        )


class _Joined(Filter):
    pass


def _operand(one: object) -> str:
    if not isinstance(one, Filter):
        raise MetranaQueryConfigError(
            f"a filter can be joined only with a filter, not with {one!r}"
        )
    return f"({one})" if isinstance(one, _Joined) else str(one)


class OrderBy(_Text):
    """An ordering."""


class SummaryColumn(_Text):
    """A function of a series, such as its last value.

    It is a column of run tables; compared with a number, a condition; and an ordering.
    """

    def asc(self) -> OrderBy:
        """Lowest first."""
        return OrderBy(f"{self} ASC")

    def desc(self) -> OrderBy:
        """Highest first."""
        return OrderBy(f"{self} DESC")

    def _compare(self, sign: str, value: object) -> Filter:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise MetranaQueryConfigError(f"{self} is compared with a number, not with {value!r}")
        return Filter(f"{self} {sign} {_number(value)}")

    def __eq__(self, value: object) -> Filter:  # type: ignore[override] # a filter is built
        return self._compare("==", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override] # a filter is built
        return self._compare("!=", value)

    def __lt__(self, value: float) -> Filter:
        return self._compare("<", value)

    def __le__(self, value: float) -> Filter:
        return self._compare("<=", value)

    def __gt__(self, value: float) -> Filter:
        return self._compare(">", value)

    def __ge__(self, value: float) -> Filter:
        return self._compare(">=", value)

    __hash__ = None  # type: ignore[assignment] # equality builds a filter


class AttrFilter:
    """An attribute of a run, project, experiment or environment, to be compared.

    Args:
        path: Such as `config/lr` or `sys/creation_time`.

    Raises:
        MetranaQueryConfigError: The path holds what the grammar cannot write.
    """

    def __init__(self, path: str) -> None:
        self._attr = f"attr({_bare(path, 'an attribute path')})"

    def _compare(self, sign: str, value: object) -> Filter:
        return Filter(f"{self._attr} {sign} {literal(value)}")

    def __eq__(self, value: object) -> Filter:  # type: ignore[override] # a filter is built
        return self._compare("==", value)

    def __ne__(self, value: object) -> Filter:  # type: ignore[override] # a filter is built
        return self._compare("!=", value)

    def __lt__(self, value: Literal) -> Filter:
        return self._compare("<", value)

    def __le__(self, value: Literal) -> Filter:
        return self._compare("<=", value)

    def __gt__(self, value: Literal) -> Filter:
        return self._compare(">", value)

    def __ge__(self, value: Literal) -> Filter:
        return self._compare(">=", value)

    __hash__ = None  # type: ignore[assignment] # equality builds a filter

    def matches(self, regex: str) -> Filter:
        """The text holds a match of the regular expression (RE2)."""
        return Filter(f"{self._attr} ~= {_string(regex)}")

    def contains(self, text: str) -> Filter:
        """The text holds this one; the set of texts has it as a member."""
        return Filter(f"{self._attr} CONTAINS {_string(text)}")

    def contains_any(self, texts: Sequence[str]) -> Filter:
        """The set holds one of these at least."""
        return Filter(f"{self._attr} CONTAINS ANY {_texts(texts)}")

    def contains_all(self, texts: Sequence[str]) -> Filter:
        """The set holds all of these."""
        return Filter(f"{self._attr} CONTAINS ALL {_texts(texts)}")

    def is_in(self, values: Sequence[Literal]) -> Filter:
        """The value is one of these."""
        return Filter(f"{self._attr} IN {_list(values)}")

    def not_in(self, values: Sequence[Literal]) -> Filter:
        """The value is none of these."""
        return Filter(f"{self._attr} NOT IN {_list(values)}")

    def exists(self) -> Filter:
        """There is such an attribute."""
        return Filter(f"{self._attr} EXISTS")

    def asc(self) -> OrderBy:
        """Lowest first."""
        return OrderBy(f"{self._attr} ASC")

    def desc(self) -> OrderBy:
        """Highest first."""
        return OrderBy(f"{self._attr} DESC")

    def __str__(self) -> str:
        return self._attr

    __repr__ = __str__


class LabelCondition(_Text):
    """A condition on a label of a series."""


class LabelFilter:
    """A label of series, to be compared; for `SeriesFilter(…, labels=[…])`.

    Series without the label pass `!=` and `not_in`, and nothing else.

    Args:
        key: The label's key.

    Raises:
        MetranaQueryConfigError: The key holds what the grammar cannot write.
    """

    def __init__(self, key: str) -> None:
        self._key = _bare(key, "a label key")

    def __eq__(self, value: object) -> LabelCondition:  # type: ignore[override] # one is built
        return LabelCondition(f"{self._key}={_string(value)}")

    def __ne__(self, value: object) -> LabelCondition:  # type: ignore[override] # one is built
        return LabelCondition(f"{self._key} != {_string(value)}")

    __hash__ = None  # type: ignore[assignment] # equality builds a condition

    def matches(self, regex: str) -> LabelCondition:
        """The value holds a match of the regular expression (RE2)."""
        return LabelCondition(f"{self._key} ~= {_string(regex)}")

    def contains(self, text: str) -> LabelCondition:
        """The value holds this text."""
        return LabelCondition(f"{self._key} CONTAINS {_string(text)}")

    def is_in(self, values: Sequence[str]) -> LabelCondition:
        """The value is one of these."""
        return LabelCondition(f"{self._key} IN {_texts(values)}")

    def not_in(self, values: Sequence[str]) -> LabelCondition:
        """The value is none of these."""
        return LabelCondition(f"{self._key} NOT IN {_texts(values)}")


class SeriesFilter(_Text):
    """A choice of series: by metric, scale and labels.

    As text it is a series query, for `fetch_float_series` and its like. Its functions (`last`,
    `max`, …) are columns, and conditions when compared. Of runs they are over the points of all
    environments: `SeriesFilter("return", scale="EPISODE").last > 200`.

    Args:
        name: The metric.
        scale: `ML_STEP` unless given.
        labels: Labels that the series must have, there may be others; or a list of conditions,
            as in `labels=[LabelFilter("split") != "test"]`.
        aggregate: Address series that were aggregated over all labels but these.
        group_by: Reduce the chosen series of a run to one for each value of these labels.
        reducer: What `group_by` takes of their values at a step: avg, min, max or std.

    Raises:
        MetranaQueryConfigError: A name holds what the grammar cannot write.
    """

    def __init__(
        self,
        name: str,
        *,
        scale: str | None = None,
        labels: Mapping[str, str] | Sequence[LabelCondition] | None = None,
        aggregate: Sequence[str] | None = None,
        group_by: Sequence[str] | None = None,
        reducer: str = "avg",
    ) -> None:
        if reducer not in _REDUCERS:
            raise MetranaQueryConfigError(
                f"reducer must be one of {', '.join(_REDUCERS)}, not {reducer!r}"
            )
        options = []
        if scale is not None:
            options.append(f"scale={_string(scale)}")
        if labels:
            options.append(f"filter=({', '.join(map(str, _conditions(labels)))})")
        if aggregate is not None:
            keys = ", ".join(_bare(key, "a label key") for key in aggregate)
            options.append(f"aggregate=(keys=[{keys}], reducer={reducer})")
        text = f"{_bare(name, 'a metric name')}({', '.join(options)})"
        if group_by is not None:
            text += f"|group_by(keys={_texts(group_by)}, reducer={reducer})"
        super().__init__(text)

    def exists(self) -> Filter:
        """There is such a series."""
        return Filter(f"{self} EXISTS")

    def column(self, function: str) -> SummaryColumn:
        """A function by its name, such as `last` or `first_avg`."""
        if function not in _FUNCTIONS:
            raise MetranaQueryConfigError(
                f"a series has no function {function!r}; known are {', '.join(_FUNCTIONS)}"
            )
        return SummaryColumn(f"{self}:{function}")

    @property
    def first(self) -> SummaryColumn:
        """The value at the lowest step; of RL points the mean over environments, as of `last`."""
        return self.column("first")

    @property
    def last(self) -> SummaryColumn:
        """The value at the highest step.

        Of RL points, what environments have last at their highest rl_step, the mean over all
        environments in which it is finite: of a metric of scale EPISODE, that of the latest
        episode of each.
        """
        return self.column("last")

    @property
    def min(self) -> SummaryColumn:
        """The least finite value."""
        return self.column("min")

    @property
    def max(self) -> SummaryColumn:
        """The greatest finite value."""
        return self.column("max")

    @property
    def sum(self) -> SummaryColumn:
        """The sum of the finite values."""
        return self.column("sum")

    @property
    def avg(self) -> SummaryColumn:
        """The mean of the finite values."""
        return self.column("avg")

    @property
    def std(self) -> SummaryColumn:
        """The standard deviation of the finite values."""
        return self.column("std")

    @property
    def count(self) -> SummaryColumn:
        """How many finite values there are."""
        return self.column("count")


def _conditions(
    labels: Mapping[str, str] | Sequence[LabelCondition],
) -> Sequence[LabelCondition]:
    if isinstance(labels, Mapping):
        return [LabelFilter(key) == value for key, value in labels.items()]
    for one in labels:
        if not isinstance(one, LabelCondition):
            raise MetranaQueryConfigError(
                f"labels are a mapping or a list of conditions on LabelFilter, not of {one!r}"
            )
    return labels


def literal(value: object) -> str:
    """Writes a value as the grammar does.

    Raises:
        MetranaQueryConfigError: The grammar has no such values.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, dt.datetime):
        return _time(value)
    if isinstance(value, (int, float)):
        return _number(value)
    raise MetranaQueryConfigError(
        f"{value!r} is neither a bool, a number, a str nor a datetime: it cannot be compared with"
    )


def _number(value: float) -> str:
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise MetranaQueryConfigError(f"{value} does not fit into 64 bits")
        return str(int(value))
    if not math.isfinite(value):
        return str(float(value))
    return format(decimal.Decimal(repr(float(value))), "f")


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise MetranaQueryConfigError(f"{value!r} is not a str")
    return f'"{value.translate(_ESCAPES)}"'


def _time(value: dt.datetime) -> str:
    if value.tzinfo is None:
        raise MetranaQueryConfigError(
            f"{value!r} has no time zone: say datetime.timezone.utc, or whichever it is in"
        )
    return (
        value.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{value.microsecond // 1000:03d}"
    )


def _list(values: Sequence[Literal]) -> str:
    if isinstance(values, str):
        raise MetranaQueryConfigError(f"a list of values is wanted, not the text {values!r}")
    return f"[{', '.join(literal(value) for value in values)}]"


def _texts(values: Sequence[str]) -> str:
    if isinstance(values, str):
        raise MetranaQueryConfigError(f"a list of texts is wanted, not the text {values!r}")
    return f"[{', '.join(_string(value) for value in values)}]"


def _bare(text: str, what: str) -> str:
    if not isinstance(text, str) or not text:
        raise MetranaQueryConfigError(f"{what} must be a text that is not empty, not {text!r}")
    bad = next((c for c in text if c in _ENDS_A_NAME), None)
    if bad is not None:
        raise MetranaQueryConfigError(f"{what} cannot hold {bad!r} in a query: {text!r}")
    if text.startswith(":"):
        raise MetranaQueryConfigError(f"{what} cannot begin with ':' in a query: {text!r}")
    if _TIME.fullmatch(text):
        raise MetranaQueryConfigError(f"{what} cannot look like a time in a query: {text!r}")
    if text in _KEYWORDS:
        raise MetranaQueryConfigError(f"{what} cannot be the keyword {text!r} in a query")
    return text
