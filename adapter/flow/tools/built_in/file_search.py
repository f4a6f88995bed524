"""`file_search`: searches in the vector stores of the caller, whose results the model cites by number.

Results are numbered through the conversation: a later turn goes on behind the numbers of the turns before it, so that a
mark means one file wherever the model writes it. Source: OpenAI guide, File search.
"""

import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from gevent.lock import RLock

from adapter.flow.tools.built_in.base import BuiltIn, Opening
from adapter.hosting.results import MAX_TEXT_BYTES, clean
from adapter.hosting.runs import BROKE, ToolRun
from adapter.store.base import NotFound, StoreDown
from adapter.store.vectors.values import StoredVectorStore
from adapter.telemetry.logs import log
from translators.errors import RequestError, shorten, unsupported_value
from translators.open_items.citations import CitedFile
from translators.open_items.file_search import OpenFileSearch
from translators.open_items.hosted import OpenHostedItem
from translators.responses.hosted.items import FileSearchCall
from translators.responses.items import Item
from translators.responses.tools import FileRanking, FileSearchTool, FileSearchWeights
from translators.tools.built_in import SEARCH_FILES, file_queries

if TYPE_CHECKING:
    from adapter.hosting.file_search.search import FileSearch, SearchOptions, SearchResult


_NOTHING: Final = "Nothing was found. Try other words, or say that the files have no answer."
_NO_QUERY: Final = "Error: the call has no query. Call the tool again with 'queries'."
_DOWN: Final = "Error: the files cannot be searched at the moment."


def open_file_search(tool: FileSearchTool, opening: Opening) -> BuiltIn:
    """Return what searches the declared vector stores.

    Raises RequestError (404) for one that the caller does not have, for filters that are none, and if the server keeps
    no files.
    """
    from adapter.hosting.file_search.filters import read_filter  # imported late: most requests search nothing
    from adapter.hosting.file_search.search import FileSearch, SearchOptions

    source, path = opening.source, opening.path
    store = source.services.files.stored.store
    if store is None:
        raise unsupported_value(f"{path}.type", "file_search", "needs a file store, which this server does not have.")
    stores = []
    for at, id in enumerate(tool.vector_store_ids):
        param = f"{path}.vector_store_ids[{at}]"
        try:
            stores.append(store.vectors.vector_store(id, source.tenant))
        except NotFound:
            raise RequestError(f"Vector store with id '{shorten(id)}' not found.", param=param, status=404) from None
        if (until := stores[-1].expires_at) is not None and until <= time.time():
            raise RequestError(f"Vector store '{shorten(id)}' has expired.", param=param, code="invalid_value")
    ranking = tool.ranking_options or FileRanking()
    weights = ranking.hybrid_search if isinstance(ranking.hybrid_search, FileSearchWeights) else FileSearchWeights()
    options = SearchOptions(
        tool.max_num_results or 20,
        None if tool.filters is None else read_filter(tool.filters, f"{path}.filters"),
        ranking.score_threshold, weights.embedding_weight, weights.text_weight,
    )  # fmt: skip
    embedder = opening.policy.create_embedder(source.services.upstreams)
    search = FileSearch(store, source.tenant, source.services.offload, embedder, opening.caller.bearer)
    shows_results = "file_search_call.results" in source.request.include
    files = _cited_before(opening.items)
    searches = Searches(search, stores, options, files, shows_results=shows_results)
    return BuiltIn(tool, (SEARCH_FILES,), partial(FileSearchRun, searches), cited_files=dict(files))


def _cited_before(items: Sequence[Item]) -> dict[int, CitedFile]:
    """Return the files that the results of a history have, by number."""
    cited: dict[int, CitedFile] = {}
    for item in items:
        hidden = item.hidden if isinstance(item, FileSearchCall) else None
        for entry in hidden.get("cited", ()) if isinstance(hidden, dict) else ():
            match entry:
                case [int(number), str(id), str(name)]:
                    cited[number] = CitedFile(id, name)
    return cited


class Searches:
    """The searches of one response, and the numbers of what they have found."""

    def __init__(
        self, search: "FileSearch", stores: Sequence[StoredVectorStore], options: "SearchOptions",
        files: dict[int, CitedFile], *, shows_results: bool,
    ) -> None:  # fmt: skip
        """`files`: those that may be cited already, by number. `shows_results`: they are included."""
        self._search = search
        self._stores = stores
        self._options = options
        self.files = files
        self.shows_results = shows_results
        self._lock = RLock()
        """Searches follow one another, so that numbers follow the order of the calls."""

    def run(self, queries: Sequence[str]) -> "list[tuple[int, SearchResult]]":
        """Return the results with their numbers; raise StoreDown."""
        with self._lock:
            found = self._search.run(self._stores, queries, self._options)
            first = max(self.files, default=0) + 1
            numbered = list(enumerate(found, first))
            self.files.update({number: CitedFile(one.file_id, one.filename) for number, one in numbered})
            return numbered


class FileSearchRun(ToolRun):
    """One search."""

    def __init__(self, searches: Searches, function: str, arguments: str) -> None:
        self._searches = searches
        self._queries = file_queries(arguments)
        self._text, self._failed = BROKE, True
        self._found: list[tuple[int, SearchResult]] = []

    def open_item(self, output_index: int, digits: str) -> OpenHostedItem:
        self._item = OpenFileSearch(output_index, f"fs_{digits}", queries=self._queries)
        return self._item

    def _run(self) -> None:
        if not self._queries:
            self._text = _NO_QUERY
            return
        try:
            found = self._searches.run(self._queries)
        except StoreDown as error:
            log.error("store down", error=str(error))
            self._text = _DOWN
        else:
            self._take(found)

    def _take(self, found: "list[tuple[int, SearchResult]]") -> None:
        """Write what the model reads: results up to the limit of a tool's text."""
        texts: list[str] = []
        size = 0
        for number, one in found:
            text = f"【{number}】 {clean(one.filename)}\n{clean(one.text)}"
            length = len(text.encode("utf-8", "replace"))
            if size + length > MAX_TEXT_BYTES:
                self.cut_bytes += length
                continue
            size += length
            texts.append(text)
            self._found.append((number, one))
        self._text, self._failed = "\n\n".join(texts) or _NOTHING, False
        self.cited_files = {number: CitedFile(one.file_id, one.filename) for number, one in self._found}

    def settle(self) -> None:
        results = [
            {"file_id": one.file_id, "filename": one.filename, "score": one.score, "attributes": one.attributes,
             "text": one.text}
            for _, one in self._found
        ]  # fmt: skip
        cited = [(number, one.file_id, one.filename) for number, one in self._found]
        self._item.settle(
            self._text, results, cited, failed=self._failed, shows_results=self._searches.shows_results
        )

    def log_fields(self) -> dict[str, Any]:
        outcome = "failed" if self._failed else "ok"
        return {"kind": "file_search", "queries": len(self._queries), "results": len(self._found), "outcome": outcome}
