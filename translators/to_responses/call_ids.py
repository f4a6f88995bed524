"""The `call_id`s of an answer's calls: the provider's, where clients can use them."""

from collections.abc import Set
from typing import Final

from translators.responses.ids import Ids
from translators.to_responses.provider_call import ProviderCall

_MAX_CHARACTERS: Final = 64
"""What the API accepts as `call_id` when the client sends the call back. Source: OpenAI OpenAPI specification."""


class CallIdsOfAnswer:
    """The ids of one answer's calls; none of them is in `taken`."""

    def __init__(self, ids: Ids, taken: Set[str]) -> None:
        self._ids = ids
        self._used = set(taken)
        self._by_call: dict[ProviderCall, str] = {}

    def of(self, call: ProviderCall, *, is_hosted: bool) -> str:
        """Return the provider's id if it has 1 to 64 characters and was not used before, else a new one.

        A hosted call always gets a new one, which its item's id leads back to.
        """
        if call not in self._by_call:
            id = "" if is_hosted else call.id
            if not 0 < len(id) <= _MAX_CHARACTERS or id in self._used:
                id = self._ids.call()
            self._used.add(id)
            self._by_call[call] = id
        return self._by_call[call]
