"""Recorded answers of real providers, replayed through the core and compared with a reader of its own.

The recordings lie in `../shared/wire/providers` and are not part of the project; where they are absent
there is nothing to replay. `reader` says what a recording says, `replay` what the core makes of it,
`report` compares.
"""
