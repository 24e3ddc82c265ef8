"""The boundary to the engine's reading half; with `_engine` the only module that knows ctypes.

A page of an answer lies in memory of the engine: its columns are NumPy arrays that look at
it, and it is freed when the last of them is gone. Waiting is in slices of 50 ms, so that
Ctrl-C works at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from ctypes import c_char_p, c_int32, c_int64, c_void_p
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metrana import _engine, errors

_SLICE_MILLIS = 50
_TEXT_SIZE = 16 * 1024
_TEXT: list[Any] = [c_void_p, c_int32]

_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "mq_open": (c_int64, [c_char_p, c_int32, *_TEXT]),
    "mq_ready": (c_int32, [c_int64, c_int32]),
    # reader, method, its length, request, its length, most, text, size
    "mq_begin": (c_int64, [c_int64, c_char_p, c_int32, c_char_p, c_int64, c_int64, *_TEXT]),
    "mq_next": (c_int32, [c_int64, c_int32, c_void_p, *_TEXT]),
    "mq_gather": (c_int32, [c_int64, c_int32, c_void_p, *_TEXT]),
    "mq_release": (None, [c_void_p]),
    "mq_end": (c_int32, [c_int64]),
    "mq_close": (c_int32, [c_int64]),
}

# What functions return: status.go holds the same table.
_CLOSED = -6
_EXCEPTIONS: dict[int, type[errors.MetranaError]] = {
    -1: errors.MetranaQueryConfigError,
    _CLOSED: errors.MetranaQueryConfigError,
    -14: errors.MetranaQueryConfigError,
    -15: errors.MetranaQueryTransportError,
    -16: errors.MetranaQueryRpcError,
}

_PAGE, _END = 1, 2

_declaring = threading.Lock()


def _library() -> ctypes.CDLL:
    library = _engine.load()
    with _declaring:
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    return library


class _Block:
    """Memory of the engine, freed when nothing looks at it any more."""

    def __init__(self, library: ctypes.CDLL, address: int, size: int) -> None:
        self._library, self._address = library, address
        self.__array_interface__ = {
            "shape": (size,),
            "typestr": "|u1",
            "data": (address, False),
            "version": 3,
        }

    def __del__(self) -> None:
        self._library.mq_release(self._address)


class Reader:
    """A connection to a server that answers queries. Its methods may be called from any thread.

    Args:
        query_url: `http(s)://host[:port]`.
        api_key: None for public workspaces.
        connect_timeout_secs: How long to wait for the server.
        call_timeout_secs: How long one page may take.

    Raises:
        MetranaQueryConfigError: The address cannot be.
        MetranaQueryTransportError: No server answers there in time.
    """

    def __init__(
        self,
        query_url: str,
        api_key: str | None,
        connect_timeout_secs: float = 10.0,
        call_timeout_secs: float = 30.0,
    ) -> None:
        self._handle = 0
        self._library, self._process = _library(), os.getpid()
        options = json.dumps(
            {
                "query_url": query_url,
                "api_key": api_key or "",
                "call_timeout_secs": call_timeout_secs,
            }
        ).encode()
        text = ctypes.create_string_buffer(_TEXT_SIZE)
        handle = self._library.mq_open(options, len(options), text, _TEXT_SIZE)
        self._handle = _checked(handle, text)
        try:
            answers = self._wait_ready(connect_timeout_secs)
        except BaseException:
            self.close()
            raise
        if not answers:
            self.close()
            raise errors.MetranaQueryTransportError(
                f"no server answers at {query_url} within {connect_timeout_secs:g} s"
            )

    def _wait_ready(self, timeout: float) -> bool:
        deadline = time.monotonic() + timeout
        while self._library.mq_ready(self._handle, _SLICE_MILLIS) != 1:
            if time.monotonic() > deadline:
                return False
        return True

    def pages(self, method: str, request: dict[str, Any], most: int = 0) -> Iterator[Any]:
        """Calls a method and yields its pages as they come.

        Args:
            method: A method of QueryService or ViewsService.
            request: Its request, fields under their names in the schema.
            most: How many items to ask for, of requests with limit and offset; 0: all.

        Yields:
            Trees of dictionaries and lists, whose columns of numbers are NumPy arrays.
        """
        with self._call(method, request, most) as call:
            place = (c_int64 * 4)()
            while True:
                status = self._wait("mq_next", call, place)
                if status == _END:
                    return
                if status == _PAGE:
                    yield self._tree(*place)

    def gather(
        self, method: str, request: dict[str, Any], came: Callable[[int], object] | None = None
    ) -> Any:
        """Calls a method that gives points and joins those of all pages.

        Args:
            method: A method of QueryService.
            request: Its request, fields under their names in the schema.
            came: Is told now and then how many points are there.

        Returns:
            The tree of one page with all points, a series once.
        """
        with self._call(method, request, 0) as call:
            place = (c_int64 * 4)()
            while self._wait("mq_gather", call, place) != _PAGE:
                if came is not None:
                    came(place[0])
            return self._tree(*place)

    @contextlib.contextmanager
    def _call(self, method: str, request: dict[str, Any], most: int) -> Iterator[int]:
        if os.getpid() != self._process:
            raise errors.MetranaProcessForkError(
                "this QueryClient belongs to the process that this one was forked from: "
                "make another"
            )
        text = ctypes.create_string_buffer(_TEXT_SIZE)
        name, body = method.encode(), json.dumps(request, allow_nan=False).encode()
        call = _checked(
            self._library.mq_begin(
                self._handle, name, len(name), body, len(body), most, text, _TEXT_SIZE
            ),
            text,
        )
        try:
            yield call
        finally:
            self._library.mq_end(call)

    def _wait(self, function: str, call: int, place: ctypes.Array[c_int64]) -> int:
        text = ctypes.create_string_buffer(_TEXT_SIZE)
        status = getattr(self._library, function)(
            call, _SLICE_MILLIS, ctypes.addressof(place), text, _TEXT_SIZE
        )
        return _checked(status, text)

    def _tree(self, address: int, size: int, table: int, tree: int) -> Any:
        page = np.asarray(_Block(self._library, address, size))
        memory = [page] + [
            np.asarray(_Block(self._library, int(where), int(length)))
            for where, length in page[table:tree].view(np.int64).reshape(-1, 2)
        ]
        return json.loads(
            page[tree:].tobytes(), object_pairs_hook=lambda pairs: _object(memory, pairs)
        )

    def close(self) -> None:
        """Ends all calls and the connection; a second time it does nothing."""
        handle, self._handle = self._handle, 0
        if handle and os.getpid() == self._process:
            self._library.mq_close(handle)

    def __del__(self) -> None:
        with contextlib.suppress(AttributeError):  # __init__ had not got that far
            self.close()


def _object(memory: list[NDArray[np.uint8]], pairs: list[tuple[str, Any]]) -> Any:
    if len(pairs) == 1 and pairs[0][0] == "$column" and isinstance(pairs[0][1], list):
        number, at, count, name = pairs[0][1]
        dtype = np.dtype(name)
        return memory[number][at : at + count * dtype.itemsize].view(dtype)
    return dict(pairs)


def _checked(status: int, text: ctypes.Array[Any]) -> int:
    if status >= 0:
        return status
    kind = _EXCEPTIONS.get(status, errors.MetranaError)
    message = "the QueryClient was closed" if status in (-1, _CLOSED) else text.value.decode()
    raise kind(message)
