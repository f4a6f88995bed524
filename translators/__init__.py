"""The pure half of the adapter: Responses requests to chat messages, chat chunks to Responses events.

Nothing here does I/O or knows the time: bytes, values, ids and instants come in as arguments, and values come out.
The way in is `input.py` (JSON → items and tools), `messages.py` and `turns.py` (items → chat messages), `tools/`
(tools → chat functions) and `chat_body.py` (all of it → chat request); the way back is `answer.py` and `sse.py`
(bytes → chunks), `stream.py` with `lanes.py` (chunks → events) and `finish.py`. The vocabulary of both sides lies in
`items.py`, `declarations.py`, `chat.py`, `response.py` and `events.py`; `policy/` says what becomes of each of it.
"""
