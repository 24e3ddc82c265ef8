"""The engine's counters of itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metrics:
    """A snapshot of what was logged and what became of it.

    All but `requests_in_flight` only ever grow, so two snapshots give a rate. At
    any moment, of each kind: added == sent + dropped + still queued.

    For each kind of data: *added* by valid calls, *enqueued* for sending, *sent*
    and acknowledged as durable, *dropped* for whatever reason.
    """

    float_points_added: int = 0
    float_points_enqueued: int = 0
    float_points_sent: int = 0
    float_points_dropped: int = 0
    rl_float_points_added: int = 0
    rl_float_points_enqueued: int = 0
    rl_float_points_sent: int = 0
    rl_float_points_dropped: int = 0
    attribute_updates_added: int = 0
    attribute_updates_enqueued: int = 0
    attribute_updates_sent: int = 0
    attribute_updates_dropped: int = 0
    env_attribute_updates_added: int = 0
    env_attribute_updates_enqueued: int = 0
    env_attribute_updates_sent: int = 0
    env_attribute_updates_dropped: int = 0
    connection_attempts: int = 0
    """Streams opened or tried."""
    requests_sent: int = 0
    """Requests with data that the server has acknowledged."""
    requests_in_flight: int = 0
    """Requests on the wire, not yet acknowledged."""
    requests_resent: int = 0
    """Requests sent once more after a connection was lost."""
    send_errors: int = 0
    """Connections that failed or were lost."""
    errors_reported: int = 0
    """Losses that the error strategy was told of."""
    errors_evicted: int = 0
    """Reports pushed out by newer ones before anyone asked for them."""

    @property
    def added(self) -> int:
        """Points and attribute updates of all kinds that valid calls added."""
        return (
            self.float_points_added
            + self.rl_float_points_added
            + self.attribute_updates_added
            + self.env_attribute_updates_added
        )

    @property
    def sent(self) -> int:
        """Points and attribute updates of all kinds that the server has acknowledged."""
        return (
            self.float_points_sent
            + self.rl_float_points_sent
            + self.attribute_updates_sent
            + self.env_attribute_updates_sent
        )

    @property
    def dropped(self) -> int:
        """Points and attribute updates of all kinds that were lost."""
        return (
            self.float_points_dropped
            + self.rl_float_points_dropped
            + self.attribute_updates_dropped
            + self.env_attribute_updates_dropped
        )
