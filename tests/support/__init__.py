"""What the tests hold the adapter against, and what they put around it.

`judges`: `grammar` (the order of events and what they add up to), `response` (the objects in them), `sse` (the bytes
of a stream), `oracles` (the types of the openai package, the Open Responses document), `strict_chat` and
`provider_rules` (chat requests). `servers`: `upstream` (a provider that plays scripts, written with `chat`), `service`
(the adapter as people run it), PostgreSQL, Redis, a web server.
"""
