"""Request errors about what a request continues: its chain, its conversation, the items that it references.

An id of another tenant is an unknown id, and gets the same error.
"""

from translators.errors import RequestError, UpstreamError, item_not_found, shorten


def response_not_found(id: str) -> RequestError:
    return RequestError(
        f"Previous response with id '{id}' not found.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def ancestor_not_found(ancestor: str, id: str) -> RequestError:
    """Return the error for a chain whose beginning was deleted while it was being continued."""
    return RequestError(
        f"Response '{ancestor}', which '{id}' continues, is not there any more.",
        param="previous_response_id",
        code="previous_response_not_found",
    )


def response_in_progress(id: str) -> RequestError:
    return RequestError(f"Previous response with id '{id}' has not ended yet.", param="previous_response_id")


def check_conversation_id(id: str) -> None:
    """Raise RequestError for text that cannot be the id of a conversation."""
    if not id.startswith("conv_"):
        raise RequestError(
            f"Invalid 'conversation': '{shorten(id)}'. Expected an ID that begins with 'conv_'.",
            param="conversation",
            code="invalid_value",
        )


def conversation_not_found(id: str) -> RequestError:
    return RequestError(f"Conversation with id '{shorten(id)}' not found.", param="conversation", status=404)


def conversation_locked() -> RequestError:
    return RequestError(
        "Another process is currently operating on this conversation. Please retry in a few seconds.",
        param="conversation",
        code="conversation_locked",
    )


def conversation_taken_over() -> UpstreamError:
    """Return the error for a request that lost its lease, for example because its worker was suspended."""
    return UpstreamError("Another request has taken over this conversation. Please try again.", status=503)


def reference_not_found(id: str, *, stored: bool) -> RequestError:
    """Return the error for an item reference that names nothing; `stored` is the request's `store`."""
    hint = (
        "Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item "
        "from your input."
    )
    return item_not_found(id, "input", "" if stored else hint)
