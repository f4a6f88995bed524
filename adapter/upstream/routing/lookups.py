"""Look-ups: requests that only read from a provider, such as its list of models or a count of tokens.

They are retried as chat requests are (`retries.py`), and count in the same budget.
"""

from collections.abc import Callable
from typing import TypeVar

import gevent

from adapter.telemetry.catalog import RETRIES
from adapter.upstream.client import Upstream
from adapter.upstream.routing.registry import Registry
from translators.errors import UpstreamError

T = TypeVar("T")


def look_up(upstream: Upstream, registry: Registry, ask: Callable[[], T]) -> T:
    """Return what `ask` returns; if it raises what may be over soon, call it again after a delay. Raise as it does."""
    retries, seconds = 0, 0.0
    while True:
        try:
            return ask()
        except UpstreamError as error:
            delay = registry.delay_lookup(upstream.name, error, retries, seconds)
            if delay is None:
                raise
            upstream.log_failure(error, seconds=round(delay, 3))
        RETRIES.add((upstream.name, "later"))
        gevent.sleep(delay)
        retries, seconds = retries + 1, seconds + delay
