"""Recorded answers of real providers, replayed through the core and compared with a reader of its own.

The recordings are not part of the project (`tests.support.beside`); where they are absent the tests are skipped.
`recording` lists them, `reader` says what one says, `replay` what the core makes of it, `comparison` compares, `errors`
says what recorded errors have to become, and `report` writes docs/recordings.md.
"""
