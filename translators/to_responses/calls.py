"""Which call a piece of a tool call belongs to.

Most providers number the calls of an answer by `index`; some leave it out, send -1 or 0 for all, repeat ids and names
with every piece, send them empty, or change them. `CallSorter` decides, by these rules:

- An empty id, name or index counts as absent. Source: farion1231/cc-switch#4671.
- A piece with a name begins a call, unless it repeats a call that is not finished, or a whole call. Another id under a
  known index begins a new call, and so does another declared name as long as the two names together are none.
- A piece without a name belongs to the call of its id, else of its index, else to the latest call; under an index that
  no call has, to the only call that is not finished. Source: agno-agi/agno#8880; sgl-project/sglang#38198.
- If such a piece is the first of a call's arguments, and it might as well be another call's that has none, it is
  ambiguous, and the response fails. So it does if a whole call may be a repetition or a call of its own. A call that
  ran with another's arguments cannot be undone.
- A name may come in pieces, or grow, until the arguments begin; then it stays. The first id stays.
  Source: continuedev/continue#5849.

What a piece adds to the arguments: `provider_call.py`.
"""

from typing import Final

from translators.chat.chunks import FunctionDelta, ToolCallDelta
from translators.errors import UpstreamError
from translators.loose_json import loose_object
from translators.to_responses.deltas import arguments_of
from translators.to_responses.provider_call import ProviderCall
from translators.tools.names import ToolNames

_ID_FOR_ALL: Final = "0"
"""What TGI has as the id of every call."""


class CallSorter:
    """Finds the calls of one answer by their index, id and name; `names` are the tools of its request."""

    __slots__ = ("_by_id", "_by_index", "_calls", "_latest", "_names")

    def __init__(self, names: ToolNames | None = None) -> None:
        self._names = names or ToolNames()
        self._calls: list[ProviderCall] = []
        self._by_index: dict[int | None, ProviderCall] = {}
        self._by_id: dict[str, ProviderCall] = {}
        self._latest: ProviderCall | None = None

    def sort(self, delta: ToolCallDelta) -> tuple[ProviderCall, str]:
        """Return the call that a piece belongs to, which may be a new one, and what can be sent on of its arguments.

        Raise UpstreamError if the pieces do not tell.
        """
        function = delta.function
        if function is not None and not function.name and not delta.id:
            call = self._by_index.get(delta.index)
            if call is not None and call.is_writing and isinstance(function.arguments, str):
                self._latest = call
                return call, call.add(function.arguments)  # what most pieces are
        if function is None and (delta.name or delta.arguments):
            function = delta.function = FunctionDelta(delta.name, delta.arguments)
        index = delta.index if delta.index is not None and delta.index >= 0 else None
        id = str(delta.id) if delta.id not in (None, "") else ""
        name = (delta.function.name if delta.function else None) or ""
        fragment = arguments_of(delta.function)
        if "{" in name:
            name, fragment = self._without_arguments(name, fragment)
        call = self._find_named(index, id, name, fragment) if name else self._find(index, id, fragment)
        if call is None:
            call = ProviderCall(id, name, index)
            self._calls.append(call)
        elif name and name != call.name and not call.pieces:
            call.name = self._joined(call.name, name)
        elif not call.name:
            call.name = name
        if index is not None and self._by_index.get(index) is not call and (name or index not in self._by_index):
            self._by_index[index] = call
        if id:
            self._by_id[id] = call
            if not call.id:
                call.id = id
        self._latest = call
        if call.pieces:
            return call, call.add(fragment)
        added = call.add(fragment)
        if call.name and call.pieces and not call.opening:
            for other in self._calls:
                other.take_nothing_more()
        return call, added

    def goes_on(self, call: ProviderCall, index: int | None) -> bool:
        """Whether a piece with this index, and without id and name, is more of the call's arguments."""
        return call.is_writing and self._by_index.get(index) is call

    def has(self, name: str, arguments: str) -> bool:
        """Return whether a whole call is among the calls so far."""
        return any(call.name == name and call.repeats(arguments) for call in self._calls)

    # --- pieces without a name --------------------------------------------------------------------------------

    def _find(self, index: int | None, id: str, fragment: str) -> ProviderCall | None:
        """Return the call of a piece without a name; None if the piece begins one."""
        if id and (call := self._by_id.get(id)) is not None:
            return call
        call = self._by_index.get(index) if index is not None else self._latest
        if call is None:
            return self._only_unfinished(fragment)
        if id and call.id and call.is_complete() and fragment.lstrip()[:1] == "{" and not call.repeats(fragment):
            return None  # another id, and whole arguments: a call that has no name yet
        if not call.pieces and fragment.strip() and call.rivals_among < len(self._calls):
            self._check_rivals(call, index)
        return call

    def _only_unfinished(self, fragment: str) -> ProviderCall | None:
        """Return the call that a piece under an unknown index continues; None if there is none."""
        unfinished = [call for call in self._calls if not call.is_complete()]
        unfinished = unfinished or [call for call in self._calls if not call.pieces]
        if len(unfinished) > 1 and fragment.strip():
            raise _unclear()
        return unfinished[0] if unfinished and unfinished[0].name else None

    def _check_rivals(self, call: ProviderCall, index: int | None) -> None:
        """Raise UpstreamError if arguments found by place alone might be those of another call that has none.

        A call of a function that takes no arguments is no such call.
        """
        call.rivals_among = len(self._calls)
        for other in self._calls:
            if (
                other is not call
                and not other.pieces
                and self._names.takes_arguments(other.name)
                and other.opening in ("", call.opening)
                and (index is None or other.index == call.index)
            ):
                raise _unclear()

    # --- pieces with a name -----------------------------------------------------------------------------------

    def _find_named(self, index: int | None, id: str, name: str, fragment: str) -> ProviderCall | None:
        """Return the call that a piece with a name continues or repeats; None if it begins a call."""
        if index is not None:
            call = self._by_index.get(index)
            if call is not None and id and call.id and id != call.id:
                call = self._by_id.get(id)
        elif id:
            call = self._by_id.get(id)
        else:
            call = self._latest
        if call is not None and call.name and self._begins_another(call, index, id, name, fragment):
            call = None
        if call is None and not id and fragment[-1:] == "}":
            call = self._repeated(index, name, fragment)
        return call

    def _begins_another(self, call: ProviderCall, index: int | None, id: str, name: str, fragment: str) -> bool:
        """Return whether a piece with a name is not the call that its place says."""
        is_same = bool(id) and id == call.id and id != _ID_FOR_ALL
        if name != call.name:
            if call.is_complete():
                return True
            if self._may_be_joined(call, name):
                return False
            return (index is None and not id) or (not is_same and self._both_declared(call.name, name))
        if fragment.lstrip()[:1] != "{" or not call.is_complete() or call.repeats(fragment):
            return False
        if not call.pieces:
            return not is_same
        if call.grows_into(fragment):
            if is_same:
                return False
            raise _unclear()
        return not is_same or loose_object(fragment) is not None

    def _repeated(self, index: int | None, name: str, fragment: str) -> ProviderCall | None:
        """Return a call without id that is repeated whole, if places do not number the calls."""
        if index is not None and index not in self._by_index:
            return None
        for call in self._calls:
            is_alike = call.name == name and not call.id and call.index == index
            if is_alike and call.is_complete() and call.repeats(fragment):
                return call
        return None

    def _may_be_joined(self, call: ProviderCall, name: str) -> bool:
        """Return whether a second name is a piece of the first; raise UpstreamError if it may be another call's too."""
        if call.has_begun() or not self._names.begins_declared(self._joined(call.name, name)):
            return False
        if self._both_declared(call.name, name):
            raise _unclear()
        return True

    def _without_arguments(self, name: str, fragment: str) -> tuple[str, str]:
        """Return a name and the piece of arguments behind it, for a model that wrote both as the name."""
        head, brace, rest = name.partition("{")
        if self._names.meant(head.strip()) is None or fragment.strip() not in ("", "{}"):
            return name, fragment
        return head.strip(), brace + rest

    def _both_declared(self, name: str, other: str) -> bool:
        return self._names.is_declared(name) and self._names.is_declared(other)

    def _joined(self, name: str, piece: str) -> str:
        """Return a name with one more piece of it, which may repeat what came before."""
        if piece.startswith(name):
            return piece
        joined = name + piece
        return joined if not name or self._names.begins_declared(joined) else name


def unreadable_call(name: str, why: str) -> UpstreamError:
    """Return the error of a call that cannot be executed as it stands."""
    called = f"the tool call '{name}'" if name else "a tool call"
    return UpstreamError(f"The provider's answer cannot be read: {called} is unclear, {why}.", status=502, retry=False)


def _unclear() -> UpstreamError:
    return unreadable_call("", "its pieces do not tell which call they belong to")
