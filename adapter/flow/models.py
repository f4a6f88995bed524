"""The models that can be asked for: those that the settings name, and what the upstreams list.

A model of an upstream's list stands under the names by which it is reached (`[models]`), once for each. An upstream
that does not answer is left out as long as there is something to show.
"""

from typing import Any

import gevent
import structlog

from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.services import Services
from translators.errors import UpstreamError
from translators.to_responses.models import decode_models, model_object

log = structlog.get_logger()

Model = dict[str, Any]


def list_models(services: Services, bearer: str | None, watch: ClientWatch) -> list[Model]:
    """Return all models; raise UpstreamError if there is none to show, or ClientDisconnected for the one who asked."""
    asked = [(name, gevent.spawn(_listed, services, name, bearer, watch)) for name in services.upstreams]
    gevent.joinall([listing for _, listing in asked])
    found: dict[str, Model] = {}
    failure: UpstreamError | None = None
    for upstream, listing in asked:
        if isinstance(listing.value, ClientDisconnected):
            raise listing.value
        if isinstance(listing.value, UpstreamError):
            failure = listing.value
            log.warning("models not listed", upstream=upstream, status=failure.status, code=failure.code)
            continue
        for model in listing.value:
            for name in services.registry.names(upstream, model["id"]):
                found.setdefault(name, {**model, "id": name})
    for name in services.registry.named():
        found.setdefault(name, model_object(name))
    if not found and failure is not None:
        raise failure
    return list(found.values())


def _listed(
    services: Services, upstream: str, bearer: str | None, watch: ClientWatch
) -> list[Model] | UpstreamError | ClientDisconnected:
    """Return the list of one upstream, or its error instead of raising it: what a greenlet raises is printed."""
    try:
        return decode_models(services.upstreams[upstream].models(bearer, watch))
    except (UpstreamError, ClientDisconnected) as error:
        return error
