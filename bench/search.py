"""What a search among 10,000 chunks costs: `python -m bench.search`, half a minute.

The words of the chunks are as frequent as those of a language (Zipf's law), and so are those of half of the queries.
"""

import itertools
import random
import tempfile
import time
from contextlib import closing

from msgspec.structs import replace

from adapter.hosting.file_search.search import FileSearch, SearchOptions
from adapter.settings.store_url import parse_store_url
from adapter.sharing.offload import Offload
from adapter.store.files import open_file_store
from adapter.store.files.values import StoredFile
from adapter.store.vectors.values import NewChunk, StoredVectorFile, StoredVectorStore

FILES, CHUNKS_PER_FILE, WORDS = 10, 1000, 300
QUERIES = 50


def main() -> None:
    generator = random.Random(1)
    vocabulary = [f"w{number}" for number in range(20_000)]
    common = list(itertools.accumulate(1 / (number + 1) for number in range(len(vocabulary))))
    with tempfile.TemporaryDirectory() as folder, closing(Offload(100)) as offload:
        store = open_file_store(parse_store_url(f"sqlite:///{folder}/a.db"))
        assert store is not None
        now = time.time()
        store.vectors.create_store(StoredVectorStore("vs_1", "t", int(now), now))
        of = store.vectors.vector_store("vs_1", "t")
        began = time.process_time()
        for number in range(FILES):
            file = StoredFile(f"file-{number}", "t", int(now), "a.txt", "assistants", "text/plain")
            store.begin_file(file, now + 1e6)
            store.complete_file(file)
            store.vectors.add_files([StoredVectorFile(of.number, file.id, "t", int(now))])
            job = store.vectors.take_due("bench", now, now + 1e6)
            assert job is not None
            chunks = [
                NewChunk(at, "some text " * WORDS, tuple(generator.choices(vocabulary, cum_weights=common, k=WORDS)))
                for at in range(CHUNKS_PER_FILE)
            ]
            store.vectors.add_chunks(job, chunks, now + 1e6)
            store.vectors.finish(
                replace(job, status="completed", chunks=CHUNKS_PER_FILE, words=CHUNKS_PER_FILE * WORDS, bytes=1)
            )
        print(f"index {FILES * CHUNKS_PER_FILE} chunks of {WORDS} words: {time.process_time() - began:.1f} s of CPU")
        search = FileSearch(store, "t", offload)
        for name, weights in (("rare", None), ("usual", common)):
            queries = [" ".join(generator.choices(vocabulary, cum_weights=weights, k=5)) for _ in range(QUERIES)]
            search.run([of], queries[:1], SearchOptions())
            began = time.process_time()
            for query in queries:
                search.run([of], [query], SearchOptions())
            spent = (time.process_time() - began) / QUERIES
            print(f"a query of five {name} words: {spent * 1000:.1f} ms of CPU")
        store.close()


if __name__ == "__main__":
    main()
