"""What `metrana watch` shows, as lines of text; pure functions of what is known of a run."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from metrana.frames import SeriesId
from metrana.views_frames import NonFinitePoint, RunHealth

BLOCKS = "▁▂▃▄▅▆▇█"
BOLD, DIM, RED, PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[0m"

_NUMBER = 11  # columns of a number
_GAP = "  "

# What people training agents look at first, in this order.
_FIRST = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(^|[/_])(returns?|reward|score|ep_rew_mean)(_mean|/mean)?$",
        r"(^|[/_])(len(gth)?|ep_len_mean|episode_len_mean)$",
        r"(^|/)(success(_rate)?|is_success|win_rate)$",
        r"^(eval|val|test|validation|evaluation)[/_]",
        r"(^|/)(fps|sps|steps_per_second)$",
        r"(policy|actor|pg|surrogate)_?(gradient_)?loss",
        r"(value|critic|vf|qf\d?|v)_?(function_)?loss",
        r"(^|/)(total_)?loss$",
        r"entropy|(^|[/_])kl|clip_?frac|explained_var",
        r"(^|/)(learning_rate|lr)$|grad.*norm",
    )
]


@dataclass(frozen=True)
class Row:
    """A series and what it came to; no numbers when it has no finite points."""

    series: SeriesId
    means: Sequence[float] = ()
    last: float = math.nan
    """Over environments, the mean of what each has last."""
    low: float = math.nan
    high: float = math.nan
    step: int | None = None
    """Of the last point."""


@dataclass(frozen=True)
class Picture:
    """What is known of a run at one moment."""

    path: str
    status: str
    running_seconds: float
    health: RunHealth
    rows: Sequence[Row]
    series: int
    """How many series there are, shown or not."""
    matching: int
    """How many of them are chosen; `rows` may hold fewer."""
    trouble: str = ""
    """Why this is not the newest."""


def rank(series: SeriesId) -> tuple[int, str]:
    """Sorts series: the usual ones of reinforcement learning first, then by name."""
    place = next((i for i, one in enumerate(_FIRST) if one.search(series.name)), len(_FIRST))
    return place, series.key


def printable(text: str) -> str:
    """The text without what a terminal obeys: control, format and unassigned characters."""
    return "".join(
        "\ufffd" if unicodedata.category(c)[0] in "C" or c in "\u2028\u2029" else c for c in text
    )


def width(text: str) -> int:
    """How many columns of a terminal a printable text takes."""
    return sum(_columns(c) for c in text)


def _columns(c: str) -> int:
    if unicodedata.combining(c) or unicodedata.category(c) in ("Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def fit(text: str, columns: int) -> str:
    """The text in exactly so many columns, cut with an ellipsis or filled up."""
    if width(text) <= columns:
        return text + " " * (columns - width(text))
    kept, used = "", 0
    for c in text:
        if used + _columns(c) > columns - 1:
            break
        kept, used = kept + c, used + _columns(c)
    return kept + "…" * min(columns, 1) + " " * max(columns - 1 - used, 0)


def sparkline(means: Sequence[float], columns: int) -> str:
    """The numbers as blocks of eight heights, at most so many; all alike when they are equal."""
    if not len(means) or columns < 1:
        return ""
    n = min(len(means), columns)
    parts = [means[i * len(means) // n : (i + 1) * len(means) // n] for i in range(n)]
    # Halves, because the difference of two large numbers may be infinite.
    heights = [sum(x / len(part) for x in part) / 2 for part in parts]
    low, high = min(heights), max(heights)
    if not math.isfinite(high - low) or high == low:
        return BLOCKS[3] * n
    return "".join(BLOCKS[min(int((x - low) / (high - low) * 8), 7)] for x in heights)


def number(value: float) -> str:
    """At most eleven characters; nothing for NaN."""
    if math.isnan(value):
        return ""
    return f"{value:.5g}"


def duration(seconds: float) -> str:
    """As in "2h 05m"; seconds below an hour."""
    whole = int(seconds)
    days, hours, minutes = whole // 86400, whole // 3600 % 24, whole // 60 % 60
    if days:
        return f"{days}d {hours:02}h"
    if hours:
        return f"{hours}h {minutes:02}m"
    return f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"


def lines(
    picture: Picture, columns: int, rows: int | None = None, colour: bool = False
) -> list[str]:
    """The picture in lines of at most so many columns, at most `rows` of them."""
    paint = _paint if colour else lambda _, text: text
    top = [paint(BOLD, fit(printable(picture.path), columns).rstrip())]
    top += [fit(line, columns).rstrip() for line in _header(picture)]
    bad = _bad_news(picture)
    top += [paint(RED, fit(line, columns).rstrip()) for line in bad]
    name, spark = _widths(picture.rows, columns)
    titles = fit("metric", name) + _GAP + " " * spark
    titles += "".join(_GAP + t.rjust(_NUMBER) for t in ("last", "min", "max", "step"))
    table = [paint(DIM, fit(titles, columns).rstrip())]
    table += [fit(_row(one, name, spark), columns).rstrip() for one in picture.rows]
    if not picture.rows:
        nothing = "no series matches --metric" if picture.series else "no series yet"
        table = [fit(nothing, columns).rstrip()]
    found = [*top, "", *table]
    beyond = max(picture.matching - len(picture.rows), 0)
    if not beyond and (rows is None or len(found) <= rows):
        return found
    kept = found if rows is None else found[: rows - 1]
    shown = min(max(len(kept) - len(top) - 2, 0), len(picture.rows))
    more = len(picture.rows) - shown + beyond
    hidden = f"… {more} more; --metric chooses"
    return [*kept, paint(DIM, fit(hidden, columns).rstrip())]


def _paint(code: str, text: str) -> str:
    return f"{code}{text}{PLAIN}"


def _header(picture: Picture) -> list[str]:
    health = picture.health
    counts = [c for d in health.deliveries for c in (d.float_points, d.rl_float_points)]
    added, sent, dropped = (
        sum(getattr(c, f) for c in counts) for f in ("added", "sent", "dropped")
    )
    lag = health.ingest_lag_millis
    delivery = (
        f"delivery: added {added:,}, delivered {sent:,}, dropped {dropped:,}"
        if counts
        else "delivery: no report of a logger yet"
    )
    state = f"{printable(picture.status)}  {duration(picture.running_seconds)}"
    return [
        f"{state}  {health.points_stored:,} points in {picture.series:,} series",
        delivery + ("" if lag is None else f"  lag {lag / 1000:.1f} s"),
    ]


def _bad_news(picture: Picture) -> list[str]:
    found = [f"first NaN or infinity: {_place(one)}" for one in picture.health.non_finite[:1]]
    lost = {**picture.health.not_stored, "late": picture.health.points_late}
    said = ", ".join(f"{printable(kind)} {n:,}" for kind, n in lost.items() if n)
    if said:
        found.append(f"not stored: {said}")
    if picture.trouble:
        found.append(f"not up to date: {printable(picture.trouble)}")
    return found


def _place(point: NonFinitePoint) -> str:
    where = f"{printable(point.series.key)} at step {point.step}"
    if point.environment is None:
        return where
    return f"{where} of {printable(point.environment)}"


def _widths(rows: Sequence[Row], columns: int) -> tuple[int, int]:
    """Columns of the names and of the sparklines."""
    left = max(columns - 4 * (len(_GAP) + _NUMBER) - len(_GAP), 12)
    longest = max((width(printable(one.series.key)) for one in rows), default=6)
    name = max(min(longest, left * 2 // 3), 6)
    return name, min(max(left - name, 4), 64)


def _row(row: Row, name: int, spark: int) -> str:
    text = fit(printable(row.series.key), name) + _GAP + fit(sparkline(row.means, spark), spark)
    numbers = [number(row.last), number(row.low), number(row.high)]
    numbers.append("" if row.step is None else str(row.step))
    return text + "".join(_GAP + one.rjust(_NUMBER) for one in numbers)
