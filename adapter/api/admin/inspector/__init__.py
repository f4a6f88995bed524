"""The inspector's pages and what they read: JSON about recordings, chains, upstreams, lessons, keys and settings.

Imported only if the inspector records something. The pages are static files; everything else is below
`/inspector/api/`.
"""
