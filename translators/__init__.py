"""The pure half of the adapter: Responses requests to chat messages, chat chunks to Responses events.

Nothing here does I/O or knows the time: bytes, values, ids and instants come in as arguments, and values come out.
`Notes` (`notes.py`) go along with every request and say what was not done exactly; `errors.py` has the two kinds of
error; `policy/` says what becomes of everything that the API has.

The vocabulary: `items.py`, `declarations.py` (tools) and `request.py` of the Responses side, `chat.py` of the other;
`response.py` and `events.py` of the answer. `wire.py` reads and writes their JSON, `ids.py` makes their ids, and
`misfits.py` and `characters.py` say what does not fit.

The way of a request, in order:

- `input.py`: its two arrays, JSON → items and tools
- `configuration.py`, `files.py`, `compaction.py`: what items change, hold or stand for, before anything is rendered
- `chat_body.py`: all of it → the body of the chat request, by way of the following
- `history.py`: what came before, rendered as far as it can never change
- `messages.py`: items → messages; of these `turns.py` is the model's side, `content.py` the parts, `attachments.py`
  what cannot stay where it was, `stand_ins.py` and `hosted.py` what chat has nothing like, `reasoning.py` thinking
- `alternation.py`: the messages once more, for providers that want them by turns
- `tools/`: tools and `tool_choice` → functions, and their calls in both directions; `keywords.py`: their schemas
- `formats.py` and `sampling.py`: the other members; `demands.py` keeps what the provider does not see to
- `dialect.py` says what the provider accepts, `presets.py` what is known of each, and `learning/` what a refusal says
  of it; `truncation.py` shortens what was too long, `counting.py` guesses how long it is

The way of an answer, in order:

- `answer.py`: the body, whatever its form → chunks, by `sse.py`, `deltas.py` (the many forms of a chunk) and
  `halves.py` (characters that were cut in two)
- `echo.py`: the response before anything has come
- `stream.py`: chunks → events, the one machine for streams and whole completions; before it `think_tags.py` tells
  thinking from content, `calls.py` which call a piece belongs to, `citations.py` which source a text has
- `lanes.py`: which item a piece belongs to; `open_items.py`, `images.py` and `tools/`: the items while they grow
- `finish.py` and `usage.py`: how it ends and what it took; `upstream_errors.py` how it fails, by `error_bodies.py`,
  `failure_words.py`, `params.py` and `retry_after.py`
- `draft.py`: an answer that is judged (`demands.py`, `schemas.py`) before the client sees any of it
- `events.py`, `obfuscation.py`: events → frames; `listing.py`, `includes.py`: items as lists show them

Aside stand `models.py` (a provider's list of models) and `passthrough.py` (members that may go out as they are).
"""
