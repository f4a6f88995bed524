"""Indexing: files of vector stores become chunks, in the background.

A file has a lease while it is indexed. Whoever adds files wakes the indexer of its worker; every worker also looks from
time to time (`adapter/store/files/upkeep.py`), so that the files of a worker that died are indexed by another. What an
earlier try has left is erased first. Cutting a text into terms is long work, and done beside the event loop.
"""

import os
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

import gevent
from msgspec.structs import replace

from adapter.files.files import Files
from adapter.files.pdf import NoText, text_of_pdf
from adapter.files.stored import read_pieces
from adapter.hosting.file_search.chunking import split_text
from adapter.hosting.file_search.embeddings import Embedder
from adapter.hosting.file_search.terms import split_terms
from adapter.hosting.web.page_text import read_html
from adapter.store.base import NotFound, StoreDown
from adapter.store.files.protocols import FileStore
from adapter.store.quota import Quota
from adapter.store.vectors.values import NewChunk, StoredVectorFile
from adapter.telemetry.logs import log
from translators.context.files import File

_LEASE_SECONDS: Final = 30.0
_RENEW_SECONDS: Final = 10.0
_MAX_JOBS: Final = 2
"""Of a worker at a time: each may keep a core busy."""
_BATCH: Final = 32
"""Chunks that are made and stored together: some tens of milliseconds of work."""
_MAX_BYTES: Final = 64 * 1024 * 1024
_MAX_CHUNKS: Final = 50_000
"""Of one file. OpenAI takes five million tokens, which are half as many of the usual size."""
_PDF_SECONDS: Final = 60.0
_CONTROLS: Final = dict.fromkeys(range(32)) | {9: " ", 10: "\n", 12: "\n", 13: "\n"}


class _Unreadable(Exception):
    """A file without a text that could be indexed: a code of the API, and a message for the client."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Indexer:
    """Indexes the files of vector stores in one worker."""

    def __init__(self, store: FileStore, files: Files, quota: Quota, embedder: Callable[[], Embedder | None]) -> None:
        """`embedder` returns what makes embeddings; None: there are none."""
        self._store = store
        self._files = files
        self._quota = quota
        self._embedder = embedder
        self._jobs: set[gevent.Greenlet] = set()

    def stop(self) -> None:
        """End the work; another worker goes on with it when the leases expire."""
        gevent.killall(list(self._jobs))

    def wake(self) -> None:
        """Begin with files that were just added."""
        self._jobs = {job for job in self._jobs if not job.ready()}
        if len(self._jobs) < _MAX_JOBS:
            self._jobs.add(gevent.spawn(self._work))

    def join(self) -> None:
        """Wait until nothing is indexed here any more."""
        while jobs := [job for job in self._jobs if not job.ready()]:
            gevent.joinall(jobs)

    def _work(self) -> None:
        try:
            while (job := self._take()) is not None:
                self.wake()  # there may be more than one greenlet has time for
                self._index(job)
        except StoreDown as error:
            log.warning("not indexed", error=str(error))

    def _take(self) -> StoredVectorFile | None:
        # A name of its own for each job: a file that is added again meanwhile is another one's, in this worker, too.
        holder = f"{os.getpid()}-{os.urandom(8).hex()}"
        now = time.time()
        return self._store.vectors.take_due(holder, now, now + _LEASE_SECONDS)

    def _index(self, job: StoredVectorFile) -> None:
        began = time.monotonic()
        keeper = gevent.spawn(self._keep_lease, job)
        try:
            done = self._add_all(job)
        except _Unreadable as error:
            done = replace(job, status="failed", error_code=error.code, error_message=str(error))
        except NotFound:
            done = replace(job, status="failed", error_code="invalid_file", error_message="The file is deleted.")
        except StoreDown:
            raise
        except Exception:
            log.exception("indexing broke", file=job.file)
            message = "An internal error occurred."
            done = replace(job, status="failed", error_code="server_error", error_message=message)
        finally:
            keeper.kill()
        if self._store.vectors.finish(done):
            self._quota.add(job.tenant, done.bytes, 1)
            seconds = round(time.monotonic() - began, 3)
            log.info("file indexed", file=job.file, status=done.status, chunks=done.chunks, seconds=seconds)

    def _keep_lease(self, job: StoredVectorFile) -> None:
        held = True
        while held:
            gevent.sleep(_RENEW_SECONDS)
            try:
                held = self._store.vectors.add_chunks(job, [], time.time() + _LEASE_SECONDS)
            except StoreDown:
                continue

    def _add_all(self, job: StoredVectorFile) -> StoredVectorFile:
        """Store the chunks of a file; return it as completed, or as it is if the lease was lost."""
        text = self._read_text(job)
        chunks = _make_chunks(text, job)
        count = size = words = 0
        while batch := self._files.offload.run(job.tenant, lambda: list(islice(chunks, _BATCH))):
            batch = self._embed(batch)
            if not self._store.vectors.add_chunks(job, batch, time.time() + _LEASE_SECONDS):
                return job
            count += len(batch)
            size += sum(len(chunk.text.encode("utf-8", "replace")) + len(chunk.vector) for chunk in batch)
            words += sum(len(chunk.terms) for chunk in batch)
            if count > _MAX_CHUNKS:
                raise _Unreadable("invalid_file", f"The file has more than {_MAX_CHUNKS} chunks.")
        if not count:
            raise _Unreadable("invalid_file", "The file has no text.")
        return replace(job, status="completed", chunks=count, bytes=size, words=words)

    def _embed(self, chunks: list[NewChunk]) -> list[NewChunk]:
        embedder = self._embedder()
        vectors = None if embedder is None else embedder.embed([chunk.text for chunk in chunks])
        if vectors is None:
            return chunks
        return [replace(chunk, vector=vector) for chunk, vector in zip(chunks, vectors, strict=True)]

    def _read_text(self, job: StoredVectorFile) -> str:
        """Return the text of a file; raise _Unreadable, NotFound, StoreDown."""
        stored = self._store.file(job.file, job.tenant, time.time())
        if stored.bytes > _MAX_BYTES:
            raise _Unreadable("invalid_file", f"The file has more than {_MAX_BYTES} bytes.")
        file = File(b"".join(read_pieces(self._store, stored)), stored.filename, stored.type)
        if file.is_pdf:
            try:
                return text_of_pdf(file.data, _PDF_SECONDS, self._files.pdf_conversions.wait(job.tenant))
            except NoText as error:
                raise _Unreadable("invalid_file", f"The file {error}.") from None
        text = self._files.offload.run(job.tenant, lambda: file.text)
        if text is None:
            raise _Unreadable("unsupported_file", "The file is neither text in UTF-8 nor a PDF.")
        if stored.type in ("text/html", "application/xhtml+xml"):
            return self._files.offload.run(job.tenant, lambda: "\n\n".join(read_html(text)))
        return text


def _make_chunks(text: str, job: StoredVectorFile) -> Iterator[NewChunk]:
    plain = text.translate(_CONTROLS)
    for number, chunk in enumerate(split_text(plain, job.chunk_tokens, job.overlap_tokens)):
        yield NewChunk(number, chunk, tuple(split_terms(chunk)))
