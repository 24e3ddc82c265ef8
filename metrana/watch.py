"""`metrana watch`: a run, live, in a terminal."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import functools
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from metrana import watch_terminal
from metrana.answers import chosen_summaries
from metrana.command_options import add_url
from metrana.curves import Curve, CurveAxis, CurvesOfSeries
from metrana.errors import (
    MetranaQueryConfigError,
    MetranaQueryRpcError,
    MetranaQueryTransportError,
)
from metrana.filters import AttrFilter, SeriesFilter
from metrana.frames import SeriesId
from metrana.request import NAMES_A_PAGE, texts
from metrana.views import Views
from metrana.watch_picture import Picture, Row, lines, rank

_BUCKETS = 64
_MOST_ROWS = 200
_ANSWER_SLICE_SECS = 0.05
_RUNNING = "RUNNING"
_RL_SCALES = ("EPISODE", "ENVIRONMENT_STEP")


def watch(arguments: Sequence[str]) -> int:
    """Shows a run until q or Ctrl-C; without a terminal, until the run has ended."""
    options = _options(arguments)
    workspace, project, run = options.run
    matches = re.compile(options.metric).search
    client = _Watched(
        workspace_name=workspace, project_name=project, query_url=options.url, progress=False
    )
    with contextlib.closing(client):
        look = functools.partial(client.look, run, matches)
        if options.once:
            _print(look())
        elif _is_screen():
            _show(look, options.interval)
        else:
            _print_until_it_ends(look, options.interval)
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="metrana watch",
        description="Shows a run in the terminal while it is logged: how it fares and its metrics "
        "as small curves. q or Ctrl-C ends it. Where the output is no terminal, or NO_COLOR is "
        "set, plain text is printed whenever something has changed, until the run has ended.",
    )
    parser.add_argument("run", metavar="WORKSPACE/PROJECT/RUN", type=_run)
    add_url(parser)
    parser.add_argument("--interval", metavar="SECONDS", type=_seconds, default=1.0)
    parser.add_argument(
        "--metric", metavar="REGEX", type=_regex, default="", help="only metrics that hold a match"
    )
    parser.add_argument("--once", action="store_true", help="print it once, and end")
    return parser.parse_args(arguments)


def _run(path: str) -> list[str]:
    names = path.strip("/").split("/", 2)
    if len(names) != 3 or not all(names):
        raise argparse.ArgumentTypeError(f"{path!r} is not WORKSPACE/PROJECT/RUN")
    return names


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 3600:
        raise argparse.ArgumentTypeError(f"must be from 0.1 to 3600 seconds, not {text!r}")
    return seconds


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    return text


class _Watched(Views, CurvesOfSeries):
    """What the picture needs of a run, without tables."""

    def look(self, run: str, matches: Callable[[str], object]) -> Picture:
        values = self._attributes(run)
        health = self.get_run_health(run, include_non_finite=True)
        series = self._series(run)
        matching = sorted((one for one in series if matches(one.key)), key=rank)
        return Picture(
            "/".join((self._scope["workspace"], self._named_project(), run)),
            values.get("sys/status", {}).get("string_value", ""),
            values.get("sys/running_time_seconds", {}).get("float_value", 0.0),
            health,
            self._rows(run, matching[:_MOST_ROWS], series),
            len(series),
            len(matching),
        )

    def _attributes(self, run: str) -> dict[str, Any]:
        paths = ["sys/status", "sys/running_time_seconds"]
        found = self._listed(run, attribute_paths=paths)
        return {one["path"]: one for one in found.get("attributes", ())}

    def _lasts(self, run: str, queries: Sequence[SeriesFilter]) -> dict[str, float | None]:
        """What series of environments have last, over all of these, by query."""
        if not queries:
            return {}
        columns = texts([query.last for query in queries])
        found = chosen_summaries(self._listed(run, series_summaries=columns), columns)
        return {str(query): found[str(query.last)] for query in queries}

    def _listed(self, run: str, **asked: list[str]) -> dict[str, Any]:
        request = {**self._in_project(), "filter": str(AttrFilter("sys/name") == run), **asked}
        found: dict[str, Any]
        for found in self._items("ListRuns", request, "runs", None):
            return found
        raise MetranaQueryConfigError(
            f"there is no run {run!r} in {self._scope['workspace']}/{self._named_project()}"
        )

    def _series(self, run: str) -> list[SeriesId]:
        request = {**self._in_project(), "run": run, "limit": NAMES_A_PAGE}
        pages = self._reader.pages("ListSeriesDefinitions", request)
        found = [SeriesId.of(one) for page in pages for one in page.get("series_definitions", ())]
        return [one for one in found if not one.aggregated]

    def _rows(self, run: str, chosen: list[SeriesId], all_: list[SeriesId]) -> list[Row]:
        if not chosen:
            return []
        queries = [_query(one) for one in chosen]
        small = self.fetch_sparklines([(run, query) for query in queries], buckets=_BUCKETS)
        curves: dict[str, Curve] = {}
        axes: tuple[tuple[CurveAxis, bool], ...] = (("step", False), ("rl_step", True))
        for axis, rl in axes:
            asked = [
                q for q, one in zip(queries, chosen, strict=True) if (one.scale in _RL_SCALES) == rl
            ]
            if asked:
                found = self.fetch_curves(run, asked, axis=axis, buckets=_BUCKETS)
                curves |= {one.series.key: one for one in found.curves}
        # Labels of a query are those that a series has at least: one whose labels another has,
        # too, cannot be asked for alone.
        several = {one.key for one in chosen if any(_more(other, one) for other in all_)}
        alone = [one for one in chosen if one.scale in _RL_SCALES and one.key not in several]
        lasts = self._lasts(run, [_query(one) for one in alone])
        return [
            _row(
                one,
                curves.get(one.key),
                None if one.key in several else line.last_step,
                lasts.get(str(_query(one))),
            )
            for one, line in zip(chosen, small, strict=True)
        ]


def _query(series: SeriesId) -> SeriesFilter:
    return SeriesFilter(series.name, scale=series.scale, labels=series.labels or None)


def _more(other: SeriesId, series: SeriesId) -> bool:
    same = (other.name, other.scale) == (series.name, series.scale)
    return same and other != series and series.labels.items() <= other.labels.items()


def _row(series: SeriesId, curve: Curve | None, step: int | None, last: float | None) -> Row:
    if curve is None or not len(curve.means):
        return Row(series)
    low, high = float(curve.mins.min()), float(curve.maxs.max())
    if last is None:
        last = float(curve.lasts[-1])
    return Row(series, curve.means.tolist(), last, low, high, step)


# Showing


def _is_screen() -> bool:
    plain = "NO_COLOR" in os.environ or os.environ.get("TERM", "dumb") == "dumb"
    return sys.stdout.isatty() and not plain


def _print(picture: Picture) -> None:
    text = "\n".join(lines(picture, shutil.get_terminal_size((100, 24)).columns))
    encoding = sys.stdout.encoding or "utf-8"
    print(text.encode(encoding, "replace").decode(encoding), flush=True)


def _print_until_it_ends(look: Callable[[], Picture], interval: float) -> None:
    shown: object = None
    with contextlib.suppress(KeyboardInterrupt):
        picture = look()  # what is wrong from the start ends it
        while True:
            state = picture.status, picture.health, picture.trouble
            if state != shown:
                _print(picture)
                shown = state
            if picture.status != _RUNNING:
                return
            time.sleep(interval)
            picture = _next(look, picture)


def _show(look: Callable[[], Picture], interval: float) -> None:
    with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as stack:
        picture = look()  # what is wrong from the start is said in the shell
        terminal = stack.enter_context(watch_terminal.taken_over())
        # Beside the screen, so that keys and resizes count while the server is slow. What is
        # still asked when the screen is left ends with the client.
        asker = ThreadPoolExecutor(1)
        stack.callback(asker.shutdown, wait=False)
        answer: Future[Picture] | None = None
        stale = True
        while True:
            if stale:
                columns, rows = terminal.size()
                terminal.draw(lines(picture, columns, rows, colour=True))
            event = terminal.wait(interval if answer is None else _ANSWER_SLICE_SECS)
            if event == "quit":
                return
            stale = event == "resized"
            if answer is not None and answer.done():
                picture, answer, stale = answer.result(), None, True
            elif answer is None and not event:
                answer = asker.submit(_next, look, picture)


def _next(look: Callable[[], Picture], before: Picture) -> Picture:
    """A newer picture, or the one before with why there is none."""
    try:
        return look()
    except (MetranaQueryTransportError, MetranaQueryRpcError) as error:
        return dataclasses.replace(before, trouble=str(error))
