"""Web search, code and images as functions that the model calls, and what their calls ask for.

Source: OpenAI guide, Web search; OpenAI guide, Code interpreter; OpenAI guide, Image generation.
"""

from typing import Any, Final

from msgspec.structs import replace

from translators.responses.tools import WEB_SEARCH_TOOLS, FunctionTool
from translators.wire import NotJSON, decode, encode

_MAX_PLACE_CHARS: Final = 100
"""Of each part of a place."""
_MAX_QUERIES: Final = 5
"""Of one call of `file_search`."""


def _text(description: str) -> dict[str, Any]:
    return {"type": "string", "description": description}


def _texts(description: str, **limits: int) -> dict[str, Any]:
    return {"type": "array", "items": {"type": "string"}, **limits, "description": description}


def _function(name: str, description: str, properties: dict[str, Any], *required: str) -> FunctionTool:
    return FunctionTool(name, description, {"type": "object", "properties": properties, "required": list(required)})


SEARCH: Final = _function(
    "web_search", "Searches the web and returns numbered results.",
    {"query": _text("What to search for."), "queries": _texts("Further queries on the same matter.")}, "query",
)  # fmt: skip
OPEN_PAGE: Final = _function(
    "web_open", "Opens a web page that a search or the user named, and returns its text.",
    {"url": _text("The URL of the page.")}, "url",
)  # fmt: skip
FIND_IN_PAGE: Final = _function(
    "web_find", "Returns the places in a web page that contain a text.",
    {"url": _text("The URL of the page."), "pattern": _text("The text to look for.")}, "url", "pattern",
)  # fmt: skip
SEARCH_FILES: Final = _function(
    "file_search", "Searches the files of the user and returns numbered results. Cite a result where you use it, by "
    "its number in these brackets: 【1】.",
    {"queries": _texts(
        "What to search for: one query, or several on the same matter.", minItems=1, maxItems=_MAX_QUERIES
    )}, "queries",
)  # fmt: skip
RUN_CODE: Final = _function(
    "code_interpreter", "Runs Python code and returns what it prints.", {"code": _text("The Python code.")}, "code",
)  # fmt: skip
MAKE_IMAGE: Final = _function(
    "image_generation", "Makes an image and shows it to the user.",
    {"prompt": _text("What the image shows, in detail.")}, "prompt",
)  # fmt: skip
EDIT_IMAGE: Final = _function(
    "image_generation", "Edits the latest images of the conversation and shows the result to the user.",
    {"prompt": _text("What the result shows, in detail.")}, "prompt",
)  # fmt: skip
MAKE_OR_EDIT_IMAGE: Final = _function(
    "image_generation", "Makes an image, or edits the latest images of the conversation, and shows it to the user.",
    {
        "prompt": _text("What the image shows, in detail."),
        "edit": {
            "type": "boolean",
            "description": "Whether the latest images of the conversation are edited; otherwise a new one is made.",
        },
    },
    "prompt",
)  # fmt: skip


def tool_search(searchable: str) -> FunctionTool:
    """Return the function that searches for tools; `searchable` describes them."""
    return _function(
        "tool_search", f"Loads tools that are not listed as functions; call them afterwards. There are:\n{searchable}",
        {
            "paths": _texts("Names of tools or groups to load."),
            "query": _text("Words for what a tool is needed for, if no name fits."),
        },
    )  # fmt: skip


FUNCTIONS: Final[dict[str, str]] = {
    **{str(tool.__struct_config__.tag): SEARCH.name for tool in WEB_SEARCH_TOOLS},
    "file_search": SEARCH_FILES.name,
    "code_interpreter": RUN_CODE.name,
    "image_generation": MAKE_IMAGE.name,
}
"""The type of a tool → the function that is called when a `tool_choice` names the type."""


def search_near(place: dict[str, Any]) -> FunctionTool:
    """Return the function that searches, for a user at a place (`user_location`), which its description then names."""
    parts = [place.get(name) for name in ("city", "region", "country", "timezone")]
    known = ", ".join(" ".join(part.split())[:_MAX_PLACE_CHARS] for part in parts if isinstance(part, str) and part)
    return replace(SEARCH, description=f"{SEARCH.description} The user is in {known}.") if known else SEARCH


def read_arguments(arguments: str) -> dict[str, str]:
    """Return the texts among the arguments of a call; what else the model wrote is left out."""
    return {name: text for name, text in read_object(arguments).items() if isinstance(text, str)}


def wants_edit(arguments: str) -> bool:
    """Whether a call of `image_generation` is to edit images."""
    return read_object(arguments).get("edit") in (True, "true")


def read_object(arguments: str) -> dict[str, Any]:
    """Return the arguments of a call; {} if they are no JSON object."""
    try:
        value = decode(arguments)
    except NotJSON:
        return {}
    return value if isinstance(value, dict) else {}


def file_queries(arguments: str) -> list[str]:
    """Return the different queries of a call of `file_search`, at most five; [] if it has none."""
    given = read_object(arguments)
    query, queries = given.get("query"), given.get("queries")
    listed = queries if isinstance(queries, list) else [queries]
    texts = [text.strip() for text in (*listed, query) if isinstance(text, str) and text.strip()]
    return list(dict.fromkeys(texts))[:_MAX_QUERIES]


def search_action(arguments: str) -> dict[str, Any]:
    """Return the action of a `web_search_call` that searches."""
    given = read_object(arguments)
    query, more = given.get("query"), given.get("queries")
    texts = [text for text in (query, *(more if isinstance(more, list) else ())) if isinstance(text, str) and text]
    queries = list(dict.fromkeys(texts)) or [""]
    return {"type": "search", "query": queries[0], "queries": queries}


def call_of_action(action: dict[str, Any]) -> tuple[str, str]:
    """Return the function and the arguments of the call that an action came from."""
    match action.get("type"):
        case "open_page":
            return OPEN_PAGE.name, _json({"url": action.get("url")})
        case "find_in_page":
            return FIND_IN_PAGE.name, _json({"url": action.get("url"), "pattern": action.get("pattern")})
    query, queries = action.get("query"), action.get("queries") or []
    return SEARCH.name, _json({"query": query} if queries in ([], [query]) else {"query": query, "queries": queries})


def _json(value: dict[str, Any]) -> str:
    return encode(value).decode()
