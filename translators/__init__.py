"""The pure half of the adapter: Responses requests to chat messages, chat chunks to Responses events.

Nothing here does I/O or knows the time: bytes, values, ids and instants come in as arguments, and values
come out. The way in is `request.py` (body → CreateRequest), `messages.py` and `chat_body.py` (→ chat
request); the way back is `sse.py` (bytes → chunks), `stream.py` (chunks → events) and `finish.py`.
The vocabulary of both sides lies in `items.py`, `chat.py`, `response.py` and `events.py`.
"""
