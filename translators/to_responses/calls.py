"""Which call a piece of a tool call belongs to.

Most providers number the calls of an answer by `index`; some leave it out, send -1 or 0 for all, repeat ids and names
with every piece, send them empty, or change them. `CallSorter` decides, by these rules:

- An empty id, name or index counts as absent. Source: farion1231/cc-switch#4671.
- A piece belongs to the call of its index, else of its id, else to the latest call. Source: BerriAI/litellm#21331.
- Another id under a known index, together with a name, begins a new call.
- A piece with a name begins a new call if the call that it would join is finished, unless it repeats that call.
- The first id and name of a call stay.
"""

from translators.chat.chunks import ToolCallDelta
from translators.loose_json import is_json
from translators.to_responses.deltas import arguments_of


class ProviderCall:
    """A call as the provider sends it. The pieces of its arguments are joined only when the whole is needed."""

    __slots__ = ("_checked_size", "_last", "_pieces", "_size", "id", "name")

    def __init__(self, id: str, name: str) -> None:
        self.id = id
        self.name = name
        self._pieces: list[str] = []
        self._size = 0
        self._last = ""
        """The last character that is not white space."""
        self._checked_size = 0
        """Characters of the arguments when `has_ended` last parsed them."""

    def add(self, fragment: str) -> str:
        """Add a fragment of the arguments and return it; return "" for one that repeats the whole arguments."""
        if not fragment or (len(fragment) == self._size and fragment == self.arguments and is_json(fragment)):
            return ""
        self._pieces.append(fragment)
        self._size += len(fragment)
        self._last = fragment.rstrip()[-1:] or self._last
        return fragment

    @property
    def arguments(self) -> str:
        if len(self._pieces) > 1:
            self._pieces = ["".join(self._pieces)]
        return self._pieces[0] if self._pieces else ""

    def is_complete(self) -> bool:
        """Tell whether the arguments are a whole JSON object."""
        return self._last == "}" and is_json(self.arguments)

    def has_ended(self) -> bool:
        """Tell whether the arguments have become a whole JSON object; may answer no although they have.

        Parsing with every fragment would be quadratic, so they are parsed again only when they have doubled in size.
        """
        if self._last != "}" or self._size < 2 * self._checked_size:
            return False
        self._checked_size = self._size
        return self.is_complete()


class CallSorter:
    """Finds the calls of one answer by their index and id."""

    __slots__ = ("_by_id", "_by_index", "_latest")

    def __init__(self) -> None:
        self._by_index: dict[int, ProviderCall] = {}
        self._by_id: dict[str, ProviderCall] = {}
        self._latest: ProviderCall | None = None

    def sort(self, delta: ToolCallDelta) -> tuple[ProviderCall, str]:
        """Return the call that a piece belongs to, which may be a new one, and what it adds to the arguments."""
        index = delta.index if delta.index is not None and delta.index >= 0 else None
        id = str(delta.id) if delta.id not in (None, "") else ""
        name = (delta.function.name if delta.function else None) or ""
        fragment = arguments_of(delta.function)
        call = self._find(index, id, name, fragment)
        if call is None:
            call = ProviderCall(id, name)
            if index is not None:
                self._by_index[index] = call
        elif not call.name:
            call.name = name
        if id:
            self._by_id[id] = call
            if not call.id:
                call.id = id
        self._latest = call
        return call, call.add(fragment)

    def _find(self, index: int | None, id: str, name: str, fragment: str) -> ProviderCall | None:
        if index is not None:
            call = self._by_index.get(index)
            if call is not None and name and id and call.id and id != call.id:
                call = self._by_id.get(id)
        elif id:
            call = self._by_id.get(id) or (None if name else self._latest)
        else:
            call = self._latest
        if call is None or not name or not call.name:
            return call
        if name != call.name:
            is_new = call.is_complete() or (index is None and not id)
        else:
            is_new = fragment[:1] == "{" and call.is_complete() and fragment != call.arguments
        return None if is_new else call
