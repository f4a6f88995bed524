"""Web search, code and pictures of one response: the functions that stand for them, and what runs their calls.

Source: OpenAI API reference, Responses: create.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Final

from msgspec import UNSET, Struct, UnsetType

from adapter.flow.caller import Caller
from adapter.flow.context import ContextSource
from adapter.hosting.built_in_runs import CodeRun, PictureRun, Web, WebRun, picture_maker
from adapter.hosting.policy import ToolPolicy
from adapter.hosting.runs import ToolRun
from translators.errors import unsupported_parameter
from translators.notes import Notes
from translators.responses.items import Item, Message
from translators.responses.tools import CodeInterpreterTool, FunctionTool, ImageGenerationTool, WebSearch
from translators.to_chat.content import text_of
from translators.tools.built_in import FIND_IN_PAGE, MAKE_PICTURE, OPEN_PAGE, RUN_CODE, SEARCH

_NO_CODE: Final = (
    "'code_interpreter' is not supported: no code is run here. The operator can configure a sandbox as "
    "[tools.code_interpreter]; or declare a function, 'shell' or 'local_shell' and run it in the client."
)
_NO_PICTURES: Final = (
    "'image_generation' is not supported: no images are made here. The operator can configure an upstream as "
    "[tools.image_generation]; or declare a function that makes them."
)


class BuiltIn(Struct, frozen=True):
    """One declared tool: its functions, and what runs a call of each."""

    declared: object
    functions: tuple[FunctionTool, ...]
    run: Callable[[str, str], ToolRun]
    """Returns the run of a call; its arguments are the function's name and the arguments of the call."""
    close: Callable[[], None] = lambda: None


def open_built_ins(
    source: ContextSource, caller: Caller, policy: ToolPolicy, items: Sequence[Item], notes: Notes
) -> Iterator[BuiltIn]:
    """Yield the declared tools that can be run; raise RequestError for one that is not configured."""
    for at, tool in enumerate(source.request.tools):
        if isinstance(tool, WebSearch):
            if (web := _open_web(tool, source, policy, items, notes)) is not None:
                yield web
        elif isinstance(tool, CodeInterpreterTool):
            runner = policy.create_code_runner()
            if runner is None:
                raise unsupported_parameter(f"tools[{at}].type", _NO_CODE)
            shows = "code_interpreter_call.outputs" in source.request.include
            yield BuiltIn(tool, (RUN_CODE,), partial(CodeRun, runner, shows), runner.close)
        elif isinstance(tool, ImageGenerationTool):
            yield _open_pictures(tool, source, caller, policy, f"tools[{at}].type", notes)


def _open_web(
    tool: WebSearch, source: ContextSource, policy: ToolPolicy, items: Sequence[Item], notes: Notes
) -> BuiltIn | None:
    from adapter.hosting.web.pages import find_urls
    from adapter.hosting.web.search import Domains, read_domain

    search = policy.create_search()
    if search is None:
        return None
    is_cached = tool.external_web_access is False
    if is_cached and policy.refuses_cached_search:
        notes.add("tools", "dropped", "web_search without access to the web: there is no cached search here")
        return None
    if is_cached:
        notes.add("tools", "approximated", "web_search without access to the web: only a search index is asked")
    filters = tool.filters if isinstance(tool.filters, dict) else {}
    allowed, blocked = (_domains(filters.get(name), read_domain) for name in ("allowed_domains", "blocked_domains"))
    domains = Domains(allowed, blocked)
    if (allowed or blocked) and not search.filters_text:
        notes.add("tools", "approximated", "the domains of web_search: they are words of the query")
    pages = None if is_cached else policy.create_pages(source.services.files, source.tenant, domains)
    if pages is not None:
        pages.name(url for text in _texts_of_user(items) for url in find_urls(text))
    place = tool.user_location if isinstance(tool.user_location, dict) else {}
    shows = "web_search_call.action.sources" in source.request.include
    web = Web(
        search, pages, tool.search_context_size or "medium", domains, str(place.get("country") or ""),
        shows_sources=shows,
    )  # fmt: skip
    functions = (SEARCH,) if pages is None else (SEARCH, OPEN_PAGE, FIND_IN_PAGE)
    return BuiltIn(tool, functions, partial(WebRun, web))


def _open_pictures(
    tool: ImageGenerationTool, source: ContextSource, caller: Caller, policy: ToolPolicy, path: str, notes: Notes
) -> BuiltIn:
    from adapter.hosting.images import ImageOptions

    maker = policy.create_image_maker(source.services.upstreams, source.services.files, source.tenant)
    if maker is None:
        raise unsupported_parameter(path, _NO_PICTURES)
    if tool.partial_images:
        notes.add("tools", "dropped", "partial_images: pictures come whole")
    if tool.model:
        notes.add("tools", "approximated", "model of image_generation: the operator has chosen one")
    options = ImageOptions(
        size=_chosen(tool.size, "auto"),
        quality=_chosen(tool.quality, "auto"),
        background=_chosen(tool.background, "auto"),
        output_format=_chosen(tool.output_format, "png"),
        output_compression=UNSET if tool.output_compression in (None, 100) else tool.output_compression,
        moderation=_chosen(tool.moderation, "auto"),
    )
    make = picture_maker(maker, options, caller.bearer, caller.watch)
    return BuiltIn(tool, (MAKE_PICTURE,), partial(PictureRun, make))


def _chosen(value: str | None, default: str) -> str | UnsetType:
    return UNSET if value in (None, default) else str(value)


def _domains(given: object, read: Callable[[str], str]) -> tuple[str, ...]:
    texts: Iterable[object] = given if isinstance(given, list) else ()
    return tuple(filter(None, (read(text) for text in texts if isinstance(text, str))))


def _texts_of_user(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        if isinstance(item, Message) and item.role == "user":
            yield item.content if isinstance(item.content, str) else text_of(item.content)
