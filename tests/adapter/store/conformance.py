"""What every store does. A test class per store inherits this suite and gives it a `store`."""


import gevent

from adapter.store.protocols import Store
from tests.adapter.store.responses import chain, keep, response
from tests.adapter.store.suite.conversations import ConversationSuite
from tests.adapter.store.suite.key_usage import KeyUsageSuite
from tests.adapter.store.suite.responses import ResponseSuite
from tests.adapter.store.suite.retention import RetentionSuite
from tests.adapter.store.suite.runs import RunSuite


class Conformance(ResponseSuite, ConversationSuite, RunSuite, RetentionSuite, KeyUsageSuite):
    def test_greenlets_at_once(self, store: Store) -> None:
        def converse(number: int) -> list[str]:
            ids = [f"resp_{number}_{turn}" for turn in range(5)]
            for previous, id in zip([None, *ids], ids, strict=False):
                store.put(response(id, previous))
                assert chain(store, id) == ids[: ids.index(id) + 1]
            return ids

        conversations = [gevent.spawn(converse, number) for number in range(40)]
        gevent.joinall(conversations, raise_error=True)
        for conversation in conversations:
            assert chain(store, conversation.value[-1]) == conversation.value

    def test_ping_before_during_and_after_use(self, store: Store) -> None:
        store.ping()
        keep(store, "a")
        store.ping()
        store.close()
        store.close()
        store.ping()
