"""The models that callers can ask for: those that the settings name, and those that the upstreams list.

A model of an upstream's list appears under each name that leads to it (`[models]`). An upstream that does not answer is
left out, unless nothing would be left to show.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import gevent

from adapter.event_loop.client_watch import ClientDisconnected, ClientWatch
from adapter.upstream.client import Upstream
from adapter.upstream.routing.lookups import look_up
from adapter.upstream.routing.registry import Registry
from translators.errors import UpstreamError
from translators.to_responses.models.model_list import model_object, read_model_list

Model = dict[str, Any]


def list_models(
    upstreams: Mapping[str, Upstream], registry: Registry, bearer: str | None, watch: ClientWatch
) -> list[Model]:
    """Ask all upstreams at the same time; return every model once.

    Raises UpstreamError if there is none to show, ClientDisconnected if the caller has left meanwhile.
    """
    requests = [
        (name, gevent.spawn(_list_upstream, upstream, registry, bearer, watch)) for name, upstream in upstreams.items()
    ]
    gevent.joinall([request for _, request in requests])
    found: dict[str, Model] = {}
    failure: UpstreamError | None = None
    for upstream, request in requests:
        if isinstance(request.value, ClientDisconnected):
            raise ClientDisconnected
        if isinstance(request.value, UpstreamError):
            failure = request.value
            upstreams[upstream].log_failure(failure, path="/models")
            continue
        for model in request.value:
            for name in registry.find_names(upstream, model["id"]):
                found.setdefault(name, {**model, "id": name})
    for name in registry.list_names():
        found.setdefault(name, model_object(name))
    if not found and failure is not None:
        raise failure.copy()
    return list(found.values())


def _list_upstream(
    upstream: Upstream, registry: Registry, bearer: str | None, watch: ClientWatch
) -> list[Model] | UpstreamError | ClientDisconnected:
    """Return the list of one upstream, or a copy of its error: gevent prints what a greenlet raises."""
    try:
        return read_model_list(look_up(upstream, registry, partial(upstream.fetch_models, bearer, watch)))
    except UpstreamError as error:
        return error.copy()
    except ClientDisconnected:
        return ClientDisconnected()
