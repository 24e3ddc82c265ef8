"""Every exception that metrana raises on purpose.

MetranaError
├── NoMetranaApiKeyError                        no key, and the server is not on this machine
├── MetranaNotInitializedError                  a call before init() or after close()
├── MetranaLoggerInitError                      init(): the run could not be opened
│   └── MetranaRunAlreadyExistsError            … another job created it, resuming is not allowed
│       └── MetranaOrchestrationIdMismatchError … and that job has another orchestration id
├── MetranaValidationError (also ValueError)    a name, step, label, option that cannot be
├── MetranaEventQueueFullError                  the queue stayed full, strategy "raise"
├── MetranaSenderError                          data was lost in the background
├── MetranaClosingError                         close(): something did not arrive
├── MetranaLoggerClosedError                    the server refused this logger for good
├── MetranaRenderingUnavailableError            log_rendering() without the extra "rendering"
├── MetranaProcessForkError                     no second engine can be loaded in a forked child
└── MetranaQueryError                           reading back
    ├── MetranaQueryConfigError (also ValueError) an argument, address or filter that cannot be
    ├── MetranaQueryTransportError              the server does not answer
    └── MetranaQueryRpcError                    the server refused; the text begins with the code
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metrana.metrics import Metrics


class MetranaError(Exception):
    """The root of all of them."""


class NoMetranaApiKeyError(MetranaError):
    """There is no API key, and the server is not on this machine."""


class MetranaNotInitializedError(MetranaError):
    """A call that needs an open run came before `init` or after `close`."""


class MetranaLoggerInitError(MetranaError):
    """The run could not be opened: the server refused or did not answer in time."""


class MetranaRunAlreadyExistsError(MetranaLoggerInitError):
    """The run exists, and the resume strategy does not allow continuing it."""


class MetranaOrchestrationIdMismatchError(MetranaRunAlreadyExistsError):
    """The run exists and belongs to a job with another orchestration id."""


class MetranaValidationError(MetranaError, ValueError):
    """A value that cannot be. Nothing of the call was logged or counted."""


class MetranaEventQueueFullError(MetranaError):
    """The queue stayed full; the points of the call are counted as dropped."""


class MetranaSenderError(MetranaError):
    """Data was lost in the background since the last call.

    The points of the call that raises it are queued all the same.
    """


class MetranaClosingError(MetranaError):
    """Something logged did not arrive before the run was closed.

    Attributes:
        metrics: The final counters.
    """

    def __init__(self, message: str, metrics: Metrics) -> None:
        super().__init__(message)
        self.metrics = metrics


class MetranaLoggerClosedError(MetranaError):
    """The server refused this logger for good; nothing more can be logged with it."""


class MetranaRenderingUnavailableError(MetranaError):
    """Videos need PyAV, which the extra `rendering` installs."""


class MetranaProcessForkError(MetranaError):
    """A forked child cannot use its parent's engine, and can load none of its own."""


class MetranaQueryError(MetranaError):
    """Something could not be read back."""


class MetranaQueryConfigError(MetranaQueryError, ValueError):
    """An argument, an address or a filter that cannot be, or a client that was closed."""


class MetranaQueryTransportError(MetranaQueryError):
    """The server does not answer."""


class MetranaQueryRpcError(MetranaQueryError):
    """The server refused a request; the text begins with the code, as in `NOT_FOUND: …`."""
