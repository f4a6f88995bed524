"""Plain modules with assertions, which pytest explains like those of test modules."""

import pytest

STORE = "tests.adapter.store."
pytest.register_assert_rewrite(STORE + "conformance", STORE + "model", STORE + "suite")
