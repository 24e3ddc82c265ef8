"""Filters as text: what is built is what the grammar writes, and what it cannot is refused."""

from __future__ import annotations

import datetime as dt
import doctest
import math

import pytest

import metrana.filters
from metrana.errors import MetranaQueryConfigError
from metrana.filters import AttrFilter, Filter, LabelFilter, OrderBy, SeriesFilter, literal

UTC = dt.timezone.utc


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (AttrFilter("config/lr") >= 0.5, "attr(config/lr) >= 0.5"),
        (AttrFilter("a") == True, "attr(a) == True"),  # noqa: E712 # a filter is built
        (AttrFilter("a") != 'x"\\\n\t\r', 'attr(a) != "x\\"\\\\\\n\\t\\r"'),
        (AttrFilter("a") < 1e-5, "attr(a) < 0.00001"),
        (AttrFilter("a") > 1e22, "attr(a) > 10000000000000000000000"),
        (AttrFilter("a") <= -3, "attr(a) <= -3"),
        (AttrFilter("a") == math.inf, "attr(a) == inf"),
        (
            AttrFilter("sys/creation_time") < dt.datetime(2024, 1, 2, 3, 4, 5, 678901, UTC),
            "attr(sys/creation_time) < 2024-01-02T03:04:05.678",
        ),
        (
            AttrFilter("t") < dt.datetime(2024, 1, 2, 3, tzinfo=dt.timezone(dt.timedelta(hours=2))),
            "attr(t) < 2024-01-02T01:00:00.000",
        ),
        (AttrFilter("a").matches("^x.*"), 'attr(a) ~= "^x.*"'),
        (AttrFilter("a").contains("x"), 'attr(a) CONTAINS "x"'),
        (AttrFilter("a").contains_any(["x", "y"]), 'attr(a) CONTAINS ANY ["x", "y"]'),
        (AttrFilter("a").contains_all(["x"]), 'attr(a) CONTAINS ALL ["x"]'),
        (AttrFilter("a").is_in([1, 2.5, "s", True]), 'attr(a) IN [1, 2.5, "s", True]'),
        (AttrFilter("a").not_in(["q"]), 'attr(a) NOT IN ["q"]'),
        (AttrFilter("a").exists(), "attr(a) EXISTS"),
        (SeriesFilter("loss").last >= 0.5, "loss():last >= 0.5"),
        (SeriesFilter("count").count != 3, "count():count != 3"),
        (SeriesFilter("l2", labels={"k": "v"}).exists(), 'l2(filter=(k="v")) EXISTS'),
        (AttrFilter("a").asc(), "attr(a) ASC"),
        (SeriesFilter("m", scale="EPISODE").max.desc(), 'm(scale="EPISODE"):max DESC'),
        (SeriesFilter("m").column("first_avg"), "m():first_avg"),
        (SeriesFilter("m", aggregate=[], reducer="min"), "m(aggregate=(keys=[], reducer=min))"),
        (
            SeriesFilter("loss", labels={"a": "b"}, group_by=["k1", "k 2"]),
            'loss(filter=(a="b"))|group_by(keys=["k1", "k 2"], reducer=avg)',
        ),
        (
            SeriesFilter(
                "m",
                scale="S",
                labels=[
                    LabelFilter("z") == 'q"',
                    LabelFilter("a") != "b",
                    LabelFilter("c").matches("d"),
                    LabelFilter("e").contains("f"),
                    LabelFilter("g").is_in(["h", "i"]),
                    LabelFilter("j").not_in(["k"]),
                ],
            ),
            (
                'm(scale="S", filter=(z="q\\"", a != "b", c ~= "d", e CONTAINS "f", g IN ["h", '
                '"i"], j NOT IN ["k"]))'
            ),
        ),
    ],
)
def test_what_is_built(built: object, text: str) -> None:
    assert str(built) == text


def test_and_binds_tighter_than_or_through_parentheses() -> None:
    a, b, c = (AttrFilter(name).exists() for name in "abc")
    assert str(a & b) == "attr(a) EXISTS AND attr(b) EXISTS"
    assert str((a | b) & c) == "(attr(a) EXISTS OR attr(b) EXISTS) AND attr(c) EXISTS"
    assert str(a | b & c) == "attr(a) EXISTS OR (attr(b) EXISTS AND attr(c) EXISTS)"


@pytest.mark.parametrize(
    ("build", "named"),
    [
        (lambda: AttrFilter(""), "''"),
        (lambda: AttrFilter("a b"), "' '"),
        (lambda: AttrFilter("a(b"), "'('"),
        (lambda: AttrFilter(":a"), "':'"),
        (lambda: SeriesFilter("And"), "'And'"),
        (lambda: AttrFilter("2024-01-02T03:04:05.678"), "2024-01-02T03:04:05.678"),
        (lambda: SeriesFilter("m", labels=["a=b"]), "'a=b'"),  # type: ignore[list-item]
        (lambda: LabelFilter("a") == 3, "3"),
        (lambda: LabelFilter("a b"), "' '"),
        (lambda: LabelFilter("a").is_in("text"), "'text'"),
        (lambda: LabelFilter("a").not_in([1]), "1"),  # type: ignore[list-item]
        (lambda: AttrFilter("a").contains_any([1]), "1"),  # type: ignore[list-item]
        (lambda: SeriesFilter("loss", labels={"a,b": "x"}), "','"),
        (lambda: SeriesFilter("loss", reducer="median"), "'median'"),
        (lambda: SeriesFilter("loss").column("mode"), "'mode'"),
        (lambda: SeriesFilter("loss").last > "x", "'x'"),  # type: ignore[operator]
        (lambda: AttrFilter("a") == None, "None"),  # noqa: E711
        (lambda: AttrFilter("a") < dt.datetime(2024, 1, 1), "time zone"),
        (lambda: AttrFilter("a") == 2**63, str(2**63)),
        (lambda: AttrFilter("a").is_in("text"), "'text'"),
        (lambda: AttrFilter("a").contains(3), "3"),  # type: ignore[arg-type]
        (lambda: AttrFilter("a").exists() & "attr(b) EXISTS", "attr(b) EXISTS"),  # type: ignore[operator]
    ],
)
def test_what_cannot_be_written_is_refused(build: object, named: str) -> None:
    with pytest.raises(MetranaQueryConfigError) as refused:
        build()  # type: ignore[operator]
    assert named in str(refused.value)


def test_a_filter_has_no_truth_value() -> None:
    with pytest.raises(TypeError, match="join filters with & and"):
        bool(AttrFilter("a") == 1)


def test_numbers_keep_their_value_without_exponents() -> None:
    for value in (0.1, 1e-300, 5e-324, 1.7976931348623157e308, -2.5, 3.0):
        assert "e" not in literal(value).lower()
        assert float(literal(value)) == value


def test_the_examples() -> None:
    assert doctest.testmod(metrana.filters).failed == 0
    assert issubclass(OrderBy, object)
    assert isinstance(AttrFilter("a").exists(), Filter)
