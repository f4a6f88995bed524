"""A whole completion is a stream of one chunk: the same machine makes the same response of it."""

from translators.deltas import read_chunk
from translators.stream import ResponseStream


def read_completion(stream: ResponseStream, body: bytes, now: int) -> None:
    """Take a whole completion to the response's end; `now` is in Unix seconds.

    Raises UpstreamError if the body is no chat completion; an error inside a 200 ends the response as failed.
    """
    stream.start()
    stream.feed(read_chunk(body))
    stream.finish(now, done=True)
