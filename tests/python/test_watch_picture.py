"""What `metrana watch` shows, without a server or a terminal."""

from __future__ import annotations

import dataclasses
import math

import pytest

from metrana.frames import SeriesId
from metrana.views_frames import Counts, Delivery, NonFinitePoint, RunHealth
from metrana.watch_picture import (
    BLOCKS,
    Picture,
    Row,
    duration,
    fit,
    lines,
    number,
    printable,
    rank,
    sparkline,
    width,
)

LOSS = SeriesId("loss", "ML_STEP")
REPORT = Delivery(1, None, Counts(1200, 1200, 1000, 50), Counts(5, 5, 5), Counts(), Counts(), {})
HEALTH = RunHealth(1005, 2, 0, 0, {"histograms": 3}, None, None, 1500, [REPORT], [], False)


def picture(rows: list[Row], health: RunHealth = HEALTH, **given: str) -> Picture:
    path = "w/p/" + given.pop("run", "r")
    return Picture(path, "running", 3725, health, rows, len(rows), len(rows), **given)


def test_a_picture() -> None:
    row = Row(LOSS, [0.0, 1.0, 2.0, 3.0], last=3.0, low=-1.0, high=4.0, step=999)
    shown = lines(picture([row]), 100)
    assert shown[:4] == [
        "w/p/r",
        "running  1h 02m  1,005 points in 1 series",
        "delivery: added 1,205, delivered 1,005, dropped 50  lag 1.5 s",
        "not stored: histograms 3, late 2",
    ]
    assert shown[-1].split() == ["loss", "▁▃▆█", "3", "-1", "4", "999"]
    assert shown[-2].split() == ["metric", "last", "min", "max", "step"]


@pytest.mark.parametrize("columns", [1, 20, 61, 80, 200])
@pytest.mark.parametrize("rows", [1, 5, 12, 50])
def test_it_fits_whatever_the_size(columns: int, rows: int) -> None:
    series = [SeriesId("训练/" + "x" * i, "EPISODE", {"k": "v"}) for i in range(40)]
    found = [Row(one, [1.0] * 64, 1e300, -1e-300, 1e300, 2**64 - 1) for one in series]
    shown = lines(picture(found, trouble="gone " * 50), columns, rows)
    assert len(shown) <= rows
    assert max(width(line) for line in shown) <= columns


def test_it_says_how_many_series_are_not_shown() -> None:
    some = [Row(SeriesId(f"m{i}", "ML_STEP")) for i in range(20)]
    all_shown, more_exist = picture(some), dataclasses.replace(picture(some), matching=1020)
    assert "more;" not in "".join(lines(all_shown, 80))
    assert lines(more_exist, 80)[-1] == "… 1000 more; --metric chooses"
    # 4 lines of header, an empty one, the titles, and the last: 5 of 12 are for metrics.
    assert lines(all_shown, 80, 12)[-1] == "… 15 more; --metric chooses"
    assert lines(more_exist, 80, 12)[-1] == "… 1015 more; --metric chooses"
    assert lines(more_exist, 80, 3)[-1] == "… 1020 more; --metric chooses"


def test_what_users_wrote_cannot_command_the_terminal() -> None:
    evil = "a\x1b]0;title\x07\x1b[2J\r\n\x9b31m\u202eb\u2028"
    point = NonFinitePoint(SeriesId(evil, "S", {evil: evil}), 7, math.nan, evil, 1, 2)
    health = RunHealth(1, 0, 0, 0, {evil: 1}, None, None, None, [], [point], False)
    row = Row(SeriesId(evil, evil, {evil: evil}), [1.0], 1.0, 1.0, 1.0, 1)
    shown = "".join(lines(picture([row], health, run=evil, trouble=evil), 300))
    assert printable(shown) == shown
    assert not {"\x1b", "\x07", "\r", "\n", "\x9b", "\u202e", "\u2028"} & set(shown)
    assert "first NaN or infinity: a" in shown


def test_first_come_the_metrics_of_reinforcement_learning() -> None:
    names = ["zeta", "entropy", "train/policy_loss", "loss", "ep_len_mean", "alpha", "return"]
    ranked = sorted((SeriesId(name, "ML_STEP") for name in names), key=rank)
    assert [one.name for one in ranked] == [
        "return", "ep_len_mean", "train/policy_loss", "loss", "entropy", "alpha", "zeta",
    ]  # fmt: skip


def test_sparklines() -> None:
    assert sparkline([], 8) == ""
    assert sparkline([5.0, 5.0], 8) == BLOCKS[3] * 2
    assert sparkline(list(range(8)), 8) == BLOCKS
    assert sparkline(list(range(64)), 8) == BLOCKS
    assert sparkline([-1.7e308, 1.7e308], 8) == "▁█"
    assert len(sparkline([1.0, 2.0, 3.0], 2)) == 2


def test_texts() -> None:
    assert fit("abc", 5) == "abc  "
    assert fit("abcdef", 4) == "abc…"
    assert fit("训练曲线", 4) == "训… "
    assert [duration(s) for s in (0, 59, 61, 3600, 90000)] == [
        "0s", "59s", "1m 01s", "1h 00m", "1d 01h",
    ]  # fmt: skip
    assert [number(x) for x in (math.nan, 0.1, -1.23456789e-300, math.inf)] == [
        "", "0.1", "-1.2346e-300", "inf",
    ]  # fmt: skip
    assert lines(picture([]), 80)[-1] == "no series yet"
