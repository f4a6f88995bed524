"""Which call a piece of a tool call belongs to.

Providers number the calls of an answer by `index`, mostly: some leave it out, send -1 or 0 for all, repeat ids and
names with every piece, send them empty, or change them. `CallSorter` decides; the stream machine only learns *this
piece belongs to that call*. Rules (providers reference §3, field-lessons reference #30, #31, #31b):
an empty id, name or index counts as absent · known index, else known id, else the latest call · another id under a
known index together with a name is a new call · a whole call behind a finished one, without index and id, is a new
call · the first id and name stay.
"""

from translators.chat import ToolCallDelta
from translators.deltas import arguments_of
from translators.wire import is_complete


class ProviderCall:
    """A call as the provider tells it: what arrived so far that the client has not seen is in `held`."""

    __slots__ = ("_checked", "_text", "id", "name")

    def __init__(self, id: str, name: str) -> None:
        self.id = id
        self.name = name
        self._text: list[str] = []
        self._checked = 0
        """Size of the arguments when they were last found incomplete."""

    def take(self, fragment: str) -> str:
        """Add a fragment of the arguments; return what of it is new (a repeated whole is not)."""
        if not fragment:
            return ""
        if self._text and fragment[0] == "{" and fragment == self.arguments and is_complete(fragment):
            return ""
        self._text.append(fragment)
        return fragment

    @property
    def arguments(self) -> str:
        if len(self._text) > 1:
            self._text = ["".join(self._text)]
        return self._text[0] if self._text else ""

    def is_complete(self) -> bool:
        """Tell whether the arguments are whole JSON; looks again only when they have doubled since it last did."""
        arguments = self.arguments
        if len(arguments) < 2 * self._checked or not arguments.rstrip().endswith("}"):
            return False
        if is_complete(arguments):
            return True
        self._checked = len(arguments)
        return False


class CallSorter:
    """Keeps the calls of one answer by what their provider calls them."""

    __slots__ = ("_by_id", "_by_index", "_latest")

    def __init__(self) -> None:
        self._by_index: dict[int, ProviderCall] = {}
        self._by_id: dict[str, ProviderCall] = {}
        self._latest: ProviderCall | None = None

    def sort(self, delta: ToolCallDelta) -> tuple[ProviderCall, str]:
        """Return the call that a piece belongs to (a new one, if so) and what it adds to the arguments."""
        index = delta.index if delta.index is not None and delta.index >= 0 else None
        id = str(delta.id) if delta.id not in (None, "") else ""
        name = (delta.function.name if delta.function else None) or ""
        fragment = arguments_of(delta.function)
        call = self._known(index, id, name, fragment)
        if call is None:
            call = ProviderCall(id, name)
            if index is not None:
                self._by_index[index] = call
        elif not call.name:
            call.name = name
        if id:
            self._by_id.setdefault(id, call)
            if not call.id:
                call.id = id
        self._latest = call
        return call, call.take(fragment)

    def _known(self, index: int | None, id: str, name: str, fragment: str) -> ProviderCall | None:
        if index is not None:
            call = self._by_index.get(index)
            if call is None or not name:
                return call
            if id and call.id and id != call.id:
                return self._by_id.get(id)
            return None if _begins_anew(call, id, fragment) else call
        if id:
            call = self._by_id.get(id)
            if call is not None or name:
                return call
            return self._latest
        call = self._latest
        if call is None or not name:
            return call
        return None if call.name != name or _begins_anew(call, id, fragment) else call


def _begins_anew(call: ProviderCall, id: str, fragment: str) -> bool:
    """Tell whether a piece with a name but no new id starts another call: the one it would join is finished."""
    return not id and fragment[:1] == "{" and call.is_complete() and fragment != call.arguments
