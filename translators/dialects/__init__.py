"""What a provider's refusal says about the provider: `refusals.py` reads its words, `refused.py` looks at what was sent
of the thing they name, and `amendments.py` has a row for each such thing, and what becomes of the dialect.

Which lessons there are, where they are kept and for how long is for `adapter.upstream.learning`.
"""
