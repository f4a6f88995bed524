"""Who may be asked for one response: each once, in order, until one answers.

A 500 counts against its upstream only if another one can answer the same request: else it may be the request's fault. A
model with a single candidate always asks it, however it has fared.
"""

from collections.abc import Sequence

from adapter.upstream.routing.health import Candidate, Health, Part, blamed
from translators.errors import RequestError, UpstreamError


class Candidates:
    """`current` is the one who was asked last."""

    def __init__(self, health: Health, order: Sequence[Candidate]) -> None:
        self._health = health
        self._left = list(order)
        self._only = len(order) == 1
        self._pauses: list[float] = []
        """Of those that were left alone."""
        self._refusal: RequestError | None = None
        self._errors: list[UpstreamError] = []
        self._unproven: list[tuple[Candidate, UpstreamError]] = []
        """Failures that may be the request's fault."""
        self.current = order[0]

    def first(self) -> Candidate:
        """Return the first that is not left alone, else the first."""
        return next((one for one in self._left if not self._health.pause(one)), self.current)

    def next(self) -> Candidate | None:
        """Return the next one to be asked; None if nobody is left."""
        while self._left:
            candidate = self._left.pop(0)
            if not self._only:
                pause = self._health.pause(candidate)
                if pause:
                    self._pauses.append(pause)
                    continue
                self._health.tries(candidate)
            self.current = candidate
            return candidate
        return None

    def cannot_be_told(self, refusal: RequestError) -> None:
        """Take note that there is no way to say to the current one what is asked, whatever the key."""
        self._refusal = self._refusal or refusal.copy()
        self._leave(Part(self.current.upstream, self.current.model, None))

    def failed(self, error: UpstreamError) -> bool:
        """Take note of how the current one failed; tell whether another one could do better."""
        error = error.copy()
        self._errors.append(error)
        self._leave(blamed(self.current, error))
        if self._only:
            return False
        if error.status == 429:
            if error.retry or error.code == "insufficient_quota":
                self._health.fails(self.current, error)
        elif error.status == 502 and error.provider_status == 400:  # it judges what the model has made (Groq)
            self._health.works(self.current)
            return False
        elif error.status > 500 or (error.status == 500 and not error.retry):
            self._health.fails(self.current, error)
        elif error.status == 500:
            self._unproven.append((self.current, error))
        else:
            self._health.works(self.current)
            return error.code == "model_not_found"
        return True

    def _leave(self, part: Part) -> None:
        self._left = [one for one in self._left if not part.has(one)]

    def worked(self) -> None:
        """Take note that the current one answers."""
        self._health.works(self.current)
        for candidate, error in self._unproven:
            self._health.fails(candidate, error)
        self._unproven.clear()

    def verdict(self) -> UpstreamError | RequestError:
        """Return what the caller is told when nobody could answer: the last failure that may pass, else the last.

        It names the shortest time that any of them asked for. Where nobody could even be asked, it is why.
        """
        if self._refusal is not None and not self._errors and not self._pauses:
            return self._refusal.copy()
        passing = [error for error in self._errors if error.code != "model_not_found"]
        if passing or (self._errors and not self._pauses):
            error = (passing or self._errors)[-1].copy()
        else:
            error = UpstreamError(
                "No provider of this model is available. Please try again later.",
                status=503,
                code="server_is_overloaded",
            )
        waits = [*self._pauses, *(one.retry_after for one in self._errors if one.retry_after is not None)]
        if waits and (error.status == 429 or error.status >= 500):
            error.retry_after = min(waits)
        return error
