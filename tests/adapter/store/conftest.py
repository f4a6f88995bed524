"""The conformance suite is a plain module; its assertions are told in full like those of a test module."""

import pytest

pytest.register_assert_rewrite("tests.adapter.store.conformance", "tests.adapter.store.model")
