"""The query of a list."""

import pytest
from werkzeug.datastructures import MultiDict

from adapter.api.request.queries import parse_page
from translators.errors import RequestError


def test_defaults() -> None:
    assert parse_page({}) == {"limit": 20, "order": "desc", "after": None, "before": None}


def test_all_of_it() -> None:
    query = MultiDict([("limit", "5"), ("order", "asc"), ("after", "a"), ("before", "b"), ("include[]", "x")])
    assert parse_page(query) == {"limit": 5, "order": "asc", "after": "a", "before": "b"}


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ({"limit": "0"}, "limit", "integer_below_min_value"),
        ({"limit": "101"}, "limit", "integer_above_max_value"),
        ({"limit": "1.0"}, "limit", "invalid_type"),
        ({"limit": "007"}, "limit", "invalid_type"),
        ({"limit": ""}, "limit", "invalid_type"),
        ({"limit": "٣"}, "limit", "invalid_type"),
        ({"limit": "9" * 5000}, "limit", "invalid_type"),
        ({"order": "up"}, "order", "invalid_value"),
    ],
)
def test_refused(query: dict[str, str], param: str, code: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_page(query)
    assert (caught.value.param, caught.value.code) == (param, code)
