"""When a silent stream needs a keep-alive.

Proxies and clients give up on connections that carry nothing for a while. The writer of a stream counts its silence in
ticks of the heartbeat, and sends a keep-alive whenever a limit is reached.
"""

from msgspec import Struct

from adapter.event_loop.heartbeat import TICK_SECONDS


class Silence(Struct, eq=False):
    """The silence of one stream, at most `limit` seconds long. Set `seconds` to 0.0 whenever something is sent."""

    limit: float
    seconds: float = 0.0

    def tick(self) -> bool:
        """Count one silent tick; return whether a keep-alive is due. If so, the count begins anew."""
        self.seconds += TICK_SECONDS
        if self.seconds < self.limit:
            return False
        self.seconds = 0.0
        return True
