"""The queries of GET requests: the page of a list, `include`, and how to retrieve a response.

Every value in a query is text. Unknown names are ignored: clients and gateways add their own.
Source: OpenAI API reference, Responses: retrieve, list input items.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, fields
from werkzeug.datastructures import MultiDict

from adapter.api.request.fields import QueryChoice, QueryNumber
from translators.errors import invalid_value, shorten
from translators.responses.includes import INCLUDABLE

_INCLUDE: Final = re.compile(r"include(\[[0-9]*\])?")


class PageSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    limit = QueryNumber(1, 100, load_default=20)
    order = QueryChoice("asc", "desc", load_default="desc")
    after = fields.String(load_default=None)
    before = fields.String(load_default=None)


_page_schema: Final = PageSchema()


def parse_page(query: Mapping[str, str]) -> dict[str, Any]:
    """Return `limit`, `order`, `after` and `before` of a list's query; raise RequestError for a bad value."""
    page: dict[str, Any] = _page_schema.load(query)
    return page


def parse_include(query: MultiDict[str, str]) -> frozenset[str]:
    """Return the values of `include`, in any of its notations; raise RequestError for an unknown one."""
    included = frozenset(_read_include(query))
    for value in included:
        if value not in INCLUDABLE:
            raise invalid_value("include", shorten(value), INCLUDABLE)
    return included


def _read_include(query: MultiDict[str, str]) -> Iterator[str]:
    """Yield the values of `include=a`, `include[]=a`, `include[0]=a`, and of comma lists in each."""
    for name, texts in query.lists():
        if _INCLUDE.fullmatch(name):
            for text in texts:
                yield from filter(None, text.split(","))


class RetrieveSchema(Schema):
    class Meta:
        unknown = EXCLUDE

    stream = QueryChoice("true", "false", load_default="false")
    starting_after = QueryNumber(0, 2**53, load_default=-1)
    include_obfuscation = QueryChoice("true", "false", load_default="true")


_retrieve_schema: Final = RetrieveSchema()


def parse_retrieve(query: Mapping[str, str]) -> dict[str, Any]:
    """Return `stream`, `starting_after` and `include_obfuscation` of a retrieval; raise RequestError."""
    values: dict[str, Any] = _retrieve_schema.load(query)
    return values
