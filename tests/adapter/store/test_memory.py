"""The store that forgets."""

import pytest

from adapter.store import open_store
from adapter.store.protocols import Store
from tests.adapter.store.conformance import Conformance


class TestMemory(Conformance):
    @pytest.fixture
    def store(self) -> Store:
        return open_store("memory:")
