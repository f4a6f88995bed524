"""Recorded answers of real providers, replayed through the core and compared with a reader of its own.

The recordings lie in `../shared/wire/providers` and are not part of the project; where they are absent there is nothing
to replay, and the tests say so. `recording` lists them, `reader` says what one says, `replay` what the core makes of
it, `comparison` compares, `errors` says what recorded errors have to become, and `report` writes docs/providers.md.
"""
