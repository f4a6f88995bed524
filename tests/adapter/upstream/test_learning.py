"""Lessons in a store, two workers that share it, and the tries of one request.

A worker here is what one has: a `Lessons` of its own, on a store of its own. Two on one machine share memory beside.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
from gevent.event import Event

from adapter.store import open_store
from adapter.store.base import StoreDown
from adapter.store.memory import MemoryStore
from adapter.store.protocols import Store
from adapter.upstream.learning import ModelDialects, RetryPlan
from adapter.upstream.lessons import LIFETIME, Lessons, StoredLesson, erase_lessons, list_lessons
from translators.dialects.dialect import Dialect
from translators.errors import UpstreamError
from translators.failures.classes import classify_http_error
from translators.wire import encode

CONFIGURED = Dialect(name="test", parallel_tool_calls=True)
SENT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": 1, "top_p": 1}


def body(*without: str) -> bytes:
    return json.dumps({name: value for name, value in SENT.items() if name not in without}).encode()


def refuses(message: str, status: int = 400) -> UpstreamError:
    return classify_http_error(status, {}, json.dumps({"error": {"message": message}}).encode(), own_key=True)


NO_TEMPERATURE = refuses("Unsupported parameter: 'temperature' is not supported with this model.")
NO_TOP_P = refuses("Unsupported parameter: 'top_p' is not supported with this model.")
NO_ROOM = refuses("Too many requests", 429)
UNFIT = refuses("The answer is 42.")


class Broken(MemoryStore):
    """A store that is down while `down`."""

    down = True

    def set_value(self, key: str, value: bytes, until: float) -> None:
        self._check()
        super().set_value(key, value, until)

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        self._check()
        return super().values(prefix, now)

    def _check(self) -> None:
        if self.down:
            raise StoreDown("it is down")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the store of a busy machine for as long as it takes."""
    monkeypatch.setattr("adapter.upstream.lessons._WAIT_SECONDS", 30.0)


@pytest.fixture(params=["memory", "sqlite"])
def stores(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store as two workers see it."""
    if request.param == "memory":
        store = MemoryStore()
        yield store, store
        return
    both = [open_store(f"sqlite:///{tmp_path}/store.db") for _ in range(2)]
    yield both[0], both[1]
    for store in both:
        store.close()


def worker(store: Store, *, upstream: str = "upstream") -> ModelDialects:
    return ModelDialects(CONFIGURED, Lessons(store), upstream)


def begin(learning: ModelDialects, model: str, tenant: str = "") -> RetryPlan:
    """Return the plan of a request to a model."""
    return RetryPlan(learning, model, tenant, learning.for_model(model, tenant))


def learn(
    learning: ModelDialects, error: UpstreamError = NO_TEMPERATURE, model: str = "m", tenant: str = ""
) -> Dialect:
    """Have a request refused, and answered in the dialect that the refusal teaches; return that dialect."""
    tries = begin(learning, model, tenant)
    assert tries.next(error, body())
    tries.confirm()
    return tries.dialect


def test_what_one_worker_learned_the_others_know(stores: tuple[Store, Store]) -> None:
    taught = learn(worker(stores[0]))
    assert taught.lessons == ("temperature",)
    assert "temperature" not in taught.sampling
    assert worker(stores[1]).for_model("m") == taught


def test_a_lesson_belongs_to_a_model_and_an_upstream(stores: tuple[Store, Store]) -> None:
    learn(worker(stores[0]), model="vendor/modèle " * 20)
    other = worker(stores[1])
    assert other.for_model("vendor/modèle " * 20).lessons == ("temperature",)
    assert other.for_model("m") == CONFIGURED
    assert worker(stores[1], upstream="backup").for_model("vendor/modèle " * 20) == CONFIGURED


def test_a_worker_of_the_same_machine_learns_at_once(stores: tuple[Store, Store]) -> None:
    first, second = Lessons(stores[0]), Lessons(stores[1])
    second._change_stamp = first._change_stamp  # as after a fork
    other = ModelDialects(CONFIGURED, second, "upstream")
    assert other.for_model("m") == CONFIGURED
    taught = learn(ModelDialects(CONFIGURED, first, "upstream"))
    assert other.for_model("m") == taught


def test_a_worker_of_another_machine_asks_the_store_before_it_learns(stores: tuple[Store, Store]) -> None:
    first, second = worker(stores[0]), worker(stores[1])
    assert second.for_model("m") == CONFIGURED
    taught = learn(first)
    late = begin(second, "m")
    assert late.dialect == CONFIGURED
    assert late.next(NO_TEMPERATURE, body())
    assert late.dialect == taught


def test_a_request_that_was_under_way_goes_out_as_others_learned(stores: tuple[Store, Store]) -> None:
    learning = worker(stores[0])
    slow = begin(learning, "m")
    taught = learn(learning)
    assert slow.next(NO_TEMPERATURE, body())
    assert slow.dialect == taught


def test_one_lesson_after_the_other(stores: tuple[Store, Store]) -> None:
    tries = begin(worker(stores[0]), "m")
    assert tries.next(NO_TEMPERATURE, body())
    assert tries.next(NO_TOP_P, body("temperature"))
    tries.confirm()
    assert worker(stores[1]).for_model("m").lessons == ("temperature", "top_p")


@pytest.mark.parametrize("last", [UNFIT, NO_TOP_P, NO_ROOM, refuses("The model `m` does not exist.", 404)])
def test_a_request_that_is_never_answered_teaches_nothing(last: UpstreamError, stores: tuple[Store, Store]) -> None:
    tries = begin(worker(stores[0]), "m")
    assert tries.next(NO_TEMPERATURE, body())
    tries.next(last, body("temperature"))
    assert list_lessons(stores[1]) == []


def test_a_provider_that_takes_turns_in_what_it_refuses_teaches_nothing(stores: tuple[Store, Store]) -> None:
    tries = begin(worker(stores[0]), "m")
    assert tries.next(NO_TEMPERATURE, body())
    assert tries.next(NO_TOP_P, body("temperature"))
    assert not tries.next(NO_TEMPERATURE, body("temperature", "top_p"))
    assert not tries.next(NO_TOP_P, body("temperature", "top_p"))
    assert list_lessons(stores[1]) == []


@pytest.mark.parametrize("ids", [("4f1c0a99", "77d0be12"), ("20261123ZkQ", "20261123BbT"), ("req_1aZ", "req_2xK")])
def test_the_same_words_with_another_id_are_the_same(ids: tuple[str, str], stores: tuple[Store, Store]) -> None:
    said = [refuses(f"'temperature' is an unknown tool, not supported (request id: {id})") for id in ids]
    tries = begin(worker(stores[0]), "m")
    assert tries.next(said[0], body())
    assert not tries.next(said[1], body("temperature"))
    tries.confirm()
    assert list_lessons(stores[1]) == []


def test_a_lesson_that_does_not_help_is_not_kept(stores: tuple[Store, Store]) -> None:
    tries = begin(worker(stores[0]), "m")
    assert tries.next(NO_TEMPERATURE, body())
    assert not tries.next(NO_TEMPERATURE, body("temperature"))
    assert list_lessons(stores[1]) == []


def test_the_next_likely_lesson_is_tried(stores: tuple[Store, Store]) -> None:
    doubtful = refuses("temperature and top_p: one of them is not supported")
    tries = begin(worker(stores[0]), "m")
    assert tries.next(doubtful, body())
    assert tries.dialect.lessons == ("temperature",)
    assert tries.next(doubtful, body("temperature"))
    assert tries.dialect.lessons == ("top_p",)
    tries.confirm()
    assert [one.lesson for one in list_lessons(stores[1])] == ["top_p"]


@pytest.mark.parametrize("error", [NO_ROOM, UNFIT, UpstreamError("The provider could not be reached.", status=503)])
def test_other_failures_teach_nothing(error: UpstreamError) -> None:
    tries = begin(worker(MemoryStore()), "m")
    assert not tries.next(error, body())
    assert tries.next(NO_TEMPERATURE, body())
    assert not tries.next(error, body("temperature"))


def test_tries_come_to_an_end() -> None:
    """The parameters of a tool have more keywords than one request may teach that a provider does not know."""
    known = ("title", "default", "format", "pattern", "minimum", "maximum", "minItems", "maxItems", "minLength",
             "maxLength", "multipleOf", "uniqueItems", "readOnly", "writeOnly")  # fmt: skip
    schema = dict.fromkeys(known, 1)
    sent = json.dumps({**SENT, "tools": [{"function": {"name": "f", "parameters": schema}}]}).encode()
    tries = begin(worker(MemoryStore()), "m")
    taught = [tries.next(refuses(f"Unknown keyword '{name}' in the schema of a tool"), sent) for name in known]
    assert taught == [True] * 12 + [False] * 2


def test_lessons_are_forgotten(stores: tuple[Store, Store]) -> None:
    learn(worker(stores[0]))
    stored = [(one.upstream, one.model, one.lesson) for one in list_lessons(stores[1])]
    assert stored == [("upstream", "m", "temperature")]
    assert erase_lessons(stores[1]) == 1
    assert list_lessons(stores[0]) == []
    assert worker(stores[0]).for_model("m") == CONFIGURED


def test_lessons_end(stores: tuple[Store, Store]) -> None:
    learn(worker(stores[0]))
    (key,) = stores[0].values("lesson/", 0.0)
    stores[0].set_value(key, stores[0].values(key, 0.0)[key], 1.0)
    assert worker(stores[1]).for_model("m") == CONFIGURED


def test_what_another_version_wrote_is_passed_over(stores: tuple[Store, Store]) -> None:
    stores[0].set_value("lesson/upstream/m/x", b'{"lesson":1}', 1e12)
    stores[0].set_value("lesson/upstream/m/y", b"\xff", 1e12)
    assert worker(stores[1]).for_model("m") == CONFIGURED


def test_a_store_that_is_down_keeps_nobody_from_learning() -> None:
    store = Broken()
    learning = worker(store)
    taught = learn(learning)
    assert learning.for_model("m") == taught
    store.down = False
    assert learning.refresh("m") == {"temperature"}
    assert [one.lesson for one in list_lessons(store)] == ["temperature"]


class Hanging(MemoryStore):
    """A store that is slow until `gate` is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = Event()
        self.asked = 0

    def values(self, prefix: str, now: float) -> dict[str, bytes]:
        self.asked += 1
        self.gate.wait()
        return super().values(prefix, now)


def test_a_store_that_hangs_is_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adapter.upstream.lessons._WAIT_SECONDS", 0.01)
    store = Hanging()
    learning = worker(store)
    taught = learn(learning)
    assert [learning.for_model("m") for _ in range(3)] == [taught] * 3
    assert store.asked == 1
    store.gate.set()
    gevent.sleep(0)
    assert learning.refresh("m") == {"temperature"}
    assert [one.lesson for one in list_lessons(store)] == ["temperature"]


def test_models_without_end_evict_those_of_who_invents_them(stores: tuple[Store, Store]) -> None:
    store = stores[0]
    taught_by = {"": 995, "good": 3, "both": 1}
    for tenant, count in taught_by.items():
        for number in range(count):
            witnesses = ("evil", "good") if tenant == "both" else (tenant,)
            at = time.time() + number / 1000 - (0 if tenant == "" else 60)  # those of others are older
            lesson = StoredLesson("upstream", f"{tenant}{number}", "temperature", at, witnesses)
            store.set_value(f"lesson/upstream/{lesson.model}/temperature/", encode(lesson), lesson.at + LIFETIME)
    learning = worker(store)
    for model in ("m999", "m1000", "m1001"):
        learn(learning, model=model)
    assert len(list_lessons(store)) == 1000
    found = {one.model for one in list_lessons(store)}
    assert {"m999", "m1000", "m1001", "good0", "good1", "good2", "both0"} <= found
    assert {"0", "1"}.isdisjoint(found)
    assert worker(stores[1]).for_model("0") == CONFIGURED
    assert worker(stores[1]).for_model("m1001").lessons == ("temperature",)


def test_a_lesson_holds_for_others_with_a_second_witness(stores: tuple[Store, Store]) -> None:
    first, second = worker(stores[0]), worker(stores[1])
    learn(first, tenant="evil")
    first.add("m", "temperature", "evil")  # a tenant is one witness, however often
    assert first.for_model("m", "evil").lessons == second.for_model("m", "evil").lessons == ("temperature",)
    assert first.for_model("m", "good") == second.for_model("m", "good") == CONFIGURED
    learn(second, tenant="other")
    assert worker(stores[0]).for_model("m", "good").lessons == ("temperature",)
    assert worker(stores[0]).for_model("m", "other").lessons == ("temperature",)


def test_lessons_of_one_tenant_add_to_those_of_all(stores: tuple[Store, Store]) -> None:
    learning = worker(stores[0])
    for tenant in ("a", "b"):
        learn(learning, tenant=tenant)
    learn(learning, NO_TOP_P, tenant="a")
    assert worker(stores[1]).for_model("m", "a").lessons == ("temperature", "top_p")
    assert worker(stores[1]).for_model("m", "c").lessons == ("temperature",)


def test_a_changed_configuration_counts() -> None:
    lessons = Lessons(MemoryStore())
    learn(ModelDialects(CONFIGURED, lessons, "upstream"))
    other = Dialect(name="other", token_limit="max_completion_tokens", sampling=frozenset({"top_p"}))
    assert ModelDialects(other, lessons, "upstream").for_model("m") == other
    richer: Any = ModelDialects(Dialect(name="richer", file_parts=True), lessons, "upstream").for_model("m")
    assert (richer.name, richer.file_parts, richer.lessons) == ("richer", True, ("temperature",))
