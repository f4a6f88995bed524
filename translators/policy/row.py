"""One row of the policy: a class, and a sentence that says what becomes of the thing.

The sentence of a refusal is the one its error ends with: why, and what to do instead. It does not begin with a name, so
that it can follow a colon.
"""

from functools import partial
from typing import Final, Literal, NamedTuple

Class = Literal["same", "own", "approximated", "echoed", "refused", "not produced"]

CLASSES: Final[dict[Class, str]] = {
    "same": "It goes to the provider, or comes from it, with the same meaning. What the provider does not know is "
    "left out with a note.",
    "own": "The adapter does it itself.",
    "approximated": "It is not done exactly; there is a note where that shows.",
    "echoed": "It is accepted, and at most stored and shown again.",
    "refused": "It is answered with an error that names it, unless it asks for nothing.",
    "not produced": "Clients may know it; it is never sent.",
}


class Row(NamedTuple):
    becomes: Class
    says: str


same: Final = partial(Row, "same")
own: Final = partial(Row, "own")
approximated: Final = partial(Row, "approximated")
echoed: Final = partial(Row, "echoed")
refused: Final = partial(Row, "refused")
not_produced: Final = partial(Row, "not produced")
