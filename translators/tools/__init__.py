"""Tools, both ways: one file a kind, one row a kind in `kinds.py`.

A declared tool becomes a chat function (`declarations.py`), a call in history becomes a chat call, and the provider's
call becomes the item that the client knows. `names.py` keeps the names of both sides together.
"""
