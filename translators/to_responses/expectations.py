"""What the stream machine needs to know of the chat request whose answer it reads, and how much it reads of it."""

from collections.abc import Callable, Sequence, Set
from typing import Any

from msgspec import Struct, field

from translators.reasoning.thinking import SealPolicy
from translators.tools.names import QualifiedName, ToolNames


class Expectations(Struct, frozen=True, gc=False):
    """What a chat request says about its answer. A response of several rounds has other ones in each round."""

    names: ToolNames = field(default_factory=ToolNames)
    """The tools of the request, by which calls are read."""
    seal_policy: SealPolicy | None = None
    """How reasoning items are sealed; None: they are not."""
    taken_call_ids: Set[str] = frozenset()
    """Ids of the calls in the history; no new call may have one of them."""
    prompt_bytes: int = 0
    """Size of the request, from which its tokens are estimated if the provider does not count them."""
    hosted: Set[QualifiedName] = frozenset()
    """The tools whose calls the adapter runs itself."""
    thinks_first: bool = False
    """The answer begins with thinking, without a tag that says so."""
    redact: Callable[[str], str] = str
    """Removes the secrets of the upstream that was asked from a text of its answer."""
    functions: Sequence[dict[str, Any]] = ()
    """The tools of the chat request, unless none may be called: calls of these are read even if written as text."""
    find_answer: Callable[[str], str | None] | None = None
    """Finds the answer in the thinking of an answer without content; None: it is not looked for."""
    model: str = ""
    """The provider's name of the model, which tells its family; "" if that is unknown."""


class Limits(Struct, frozen=True, gc=False):
    """What one answer may hold; beyond it, the response fails."""

    output_bytes: int = 64 * 1024 * 1024
    """Characters of text, thinking, arguments, sources and images together: far above any real answer, with room for
    a dozen images, and low enough that a worker survives a provider that never stops."""
    items: int = 1024
    """Messages, reasoning items, calls and images together: far above any real answer."""
