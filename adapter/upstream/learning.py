"""What this worker has learned about the upstream: for each model, the dialect that its refusals taught.

What a refusal says is for `translators.amendments` to decide; here it is remembered, for a while: providers change, and
a wrong lesson must not last. The first request after that is refused once more and teaches it again.
"""

from typing import Final

import structlog
from cachetools import TTLCache

from translators.amendments import amended
from translators.dialect import Dialect
from translators.errors import UpstreamError

_SECONDS: Final = 3600.0
_MODELS: Final = 1024

log = structlog.get_logger()


class Learning:
    """The dialects of one upstream's models."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._learned: TTLCache[str, Dialect] = TTLCache(_MODELS, _SECONDS)

    def dialect(self, model: str) -> Dialect:
        return self._learned.get(model, self._dialect)

    def learn(self, model: str, dialect: Dialect, error: UpstreamError, sent: bytes) -> Dialect | None:
        """Return the dialect to try a refused request in, None if the refusal stands.

        `dialect` is the one that the request was sent in; each lesson takes something away, so tries come to an end.
        """
        taught = amended(dialect, error, sent)
        if taught is not None:
            self._learned[model] = taught
            log.info("learned", model=model, formats=sorted(taught.formats), tool_choices=sorted(taught.tool_choices))
        return taught
