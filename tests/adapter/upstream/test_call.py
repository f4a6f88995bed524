"""A call to a provider, beside what its callers' tests show."""

from typing import Any, cast

import gevent
import pytest

from adapter.upstream.call import Call


def _break() -> Any:
    raise ZeroDivisionError


def test_a_bug_in_sending_is_raised_where_the_answer_is_awaited() -> None:
    call = Call(cast(Any, None), None, gevent.spawn(_break), None, 1.0)
    with pytest.raises(ZeroDivisionError):
        call.wait(1.0)
