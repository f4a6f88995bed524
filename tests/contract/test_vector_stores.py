"""Vector stores through the openai package, with its helpers that upload and poll."""

import io
import time

import openai
import pytest

PY = b"The walrus operator assigns a value inside an expression.\n\nGenerators yield values lazily."
GARDEN = b"Tomatoes need sun, and water in the morning."


@pytest.fixture
def polled(client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch) -> openai.OpenAI:
    """The client, which asks again after some milliseconds instead of a second."""
    for resource in (client.vector_stores.files, client.vector_stores.file_batches):
        monkeypatch.setattr(resource, "_sleep", lambda _: time.sleep(0.02))
    return client


def text_file(name: str, data: bytes) -> tuple[str, io.BytesIO]:
    return name, io.BytesIO(data)


def test_a_vector_store_from_its_files_to_an_answer(polled: openai.OpenAI) -> None:
    stores = polled.vector_stores
    store = stores.create(name="notes", metadata={"a": "b"}, expires_after={"anchor": "last_active_at", "days": 7})
    assert (store.name, store.status, store.file_counts.total, store.metadata) == ("notes", "completed", 0, {"a": "b"})
    assert store.expires_at == store.last_active_at + 7 * 86_400
    one = stores.files.upload_and_poll(vector_store_id=store.id, file=text_file("py.md", PY))
    assert (one.status, one.last_error, one.vector_store_id) == ("completed", None, store.id)
    file = polled.files.create(file=text_file("garden.txt", GARDEN), purpose="assistants")
    two = stores.files.create_and_poll(
        file.id, vector_store_id=store.id, attributes={"year": 2026, "kind": "garden", "public": True},
        chunking_strategy={"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}},
    )  # fmt: skip
    assert two.attributes == {"year": 2026, "kind": "garden", "public": True}
    assert two.chunking_strategy.static.max_chunk_size_tokens == 200  # type: ignore[union-attr]
    assert [found.id for found in stores.files.list(store.id)] == [file.id, one.id]
    assert [found.id for found in stores.files.list(store.id, filter="failed")] == []
    store = stores.retrieve(store.id)
    assert (store.status, store.file_counts.completed, store.usage_bytes > 0) == ("completed", 2, True)

    (found,) = stores.search(store.id, query="When do I give water to my tomatoes?", max_num_results=3)
    assert (found.filename, found.file_id, found.attributes) == ("garden.txt", file.id, two.attributes)
    assert 0 < found.score <= 1
    assert found.content[0].text == GARDEN.decode()
    nothing = stores.search(store.id, query="tomatoes", filters={"type": "lt", "key": "year", "value": 2026})
    assert nothing.data == []
    both = {"type": "or", "filters": [{"type": "eq", "key": "kind", "value": "garden"},
                                      {"type": "in", "key": "year", "value": [1, 2]}]}  # fmt: skip
    assert [hit.filename for hit in stores.search(store.id, query=["sun", "walrus"], filters=both)] == ["garden.txt"]  # type: ignore[arg-type]
    assert len(stores.search(store.id, query=["sun", "walrus"]).data) == 2

    assert [piece.text for piece in stores.files.content(file.id, vector_store_id=store.id)] == [GARDEN.decode()]
    changed = stores.files.update(file.id, vector_store_id=store.id, attributes={"year": 1})
    assert changed.attributes == {"year": 1}
    assert stores.files.delete(file.id, vector_store_id=store.id).deleted
    assert stores.search(store.id, query="tomatoes").data == []
    assert polled.files.retrieve(file.id).id == file.id, "it is still a file"
    polled.files.delete(one.id)
    assert stores.retrieve(store.id).file_counts.total == 0
    renamed = stores.update(store.id, name="other", expires_after=None)
    assert (renamed.name, renamed.expires_after, renamed.metadata) == ("other", None, {"a": "b"})
    assert store.id in [each.id for each in stores.list(limit=3)]
    assert stores.delete(store.id).deleted
    with pytest.raises(openai.NotFoundError):
        stores.retrieve(store.id)


def test_batches(polled: openai.OpenAI) -> None:
    stores = polled.vector_stores
    store = stores.create()
    batch = stores.file_batches.upload_and_poll(
        store.id, files=[text_file("a.txt", PY), text_file("b.txt", GARDEN), text_file("c.bin", b"\xff\xfe\x00\xd8")]
    )
    counts = batch.file_counts
    assert (batch.status, counts.completed, counts.failed, counts.total) == ("completed", 2, 1, 3)
    (failed,) = stores.file_batches.list_files(batch.id, vector_store_id=store.id, filter="failed")
    assert failed.last_error is not None
    assert failed.last_error.code == "unsupported_file"
    files = [one.id for one in stores.file_batches.list_files(batch.id, vector_store_id=store.id)]
    again = stores.file_batches.create_and_poll(
        store.id, files=[{"file_id": files[0], "attributes": {"n": 1}}, {"file_id": files[1]}]
    )
    assert again.file_counts.total == 2
    cancelled = stores.file_batches.cancel(again.id, vector_store_id=store.id)
    assert cancelled.status == "cancelled"
    assert stores.file_batches.retrieve(again.id, vector_store_id=store.id).file_counts.cancelled == 0, "all was done"
    with_files = stores.create(file_ids=files[:2])
    assert with_files.file_counts.total == 2
