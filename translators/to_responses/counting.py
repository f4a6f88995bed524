"""How many tokens a chat request is, as far as its bytes tell.

Four bytes are taken for a token. Data that stands in it as base64, pictures and files, is not read as text by any
provider: each such piece counts as DATA tokens.
"""

import re
from typing import Final

from translators.to_responses.usage import BYTES_PER_TOKEN

DATA: Final = 1000

_DATA: Final = re.compile(rb'"data:[^",;]{0,100};base64,[^"]*"')


def estimated_tokens(body: bytes) -> int:
    """Return about how many tokens the JSON of a chat request is."""
    pieces = 0
    if b";base64," in body:
        body, pieces = _DATA.subn(b"", body)
    return -(-len(body) // BYTES_PER_TOKEN) + pieces * DATA
