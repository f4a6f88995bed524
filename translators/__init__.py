"""The pure half of the adapter: Responses requests to chat requests, chat answers to Responses events.

Nothing here does I/O, reads a clock or draws a random number: bytes, values, ids and instants come in as arguments, and
values come out. `errors.py` has the two kinds of protocol error. `Notes` (`notes.py`) accompany every request and
record what could not be done exactly. `wire.py` reads and writes JSON, `validation.py` words the errors
of a value that does not fit its type, and `loose_json.py` reads JSON as models and providers write it.

Vocabulary:

- `responses/`: the client's side: request, items, tools, response, events, their frames and the keep-alive comment, ids
- `chat/`: the provider's side: messages and chunks
- `policy/`: one row for everything the Responses API has: honoured, approximated, dropped or refused
- `dialects/`: what one provider accepts, and what its rejections teach

Both directions:

- `reasoning/`: where providers put thinking, and the form in which it goes back
- `tools/`: one file per kind of tool: its declaration, its calls in history, its calls in an answer
- `open_items/`: output items while they grow
- `constraints/`: what the answer must be: `tool_choice`, `text.format`, and the check of a finished answer

From a request to a chat request:

- `context/`: what changes the items before anything is rendered: configuration, files, compaction, calls and outputs
  without their counterpart (`pairs.py`)
- `to_chat/`: items → messages, parameters → the body of the chat request

From an answer to events:

- `to_responses/`: bytes → chunks → events. `stream.py` is the stream machine, for streams and whole completions alike,
  and numbers the events; `sequencer.py` decides when an output item begins and ends, and which one waits for another
- `failures/`: a provider's error → the status, code and message that the caller gets
"""
