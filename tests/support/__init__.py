"""What the tests hold the adapter against, and what they put around it.

Judges: `grammar` (the order of events and what they add up to), `response` (the objects in them), `sse`
(the bytes of a stream), `oracles` (the types of the openai package, the Open Responses document).
Surroundings: `upstream` (a provider that plays scripts, written with `chat`) and `service` (the adapter as
people run it).
"""
