"""Names of spans and attributes. Those for models are still in development, so they are all here.

Source: OpenTelemetry semantic conventions 1.45; OpenTelemetry GenAI conventions 0.1.
"""

from typing import Final

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.45.0"

METHOD: Final = "http.request.method"
ROUTE: Final = "http.route"
STATUS: Final = "http.response.status_code"
SERVER: Final = "server.address"
ERROR: Final = "error.type"

OPERATION: Final = "gen_ai.operation.name"
CHAT: Final = "chat"
PROVIDER: Final = "gen_ai.provider.name"
MODEL: Final = "gen_ai.request.model"
RESPONSE: Final = "gen_ai.response.id"
PREVIOUS: Final = "gen_ai.request.previous_response.id"
CONVERSATION: Final = "gen_ai.conversation.id"
FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT: Final = "gen_ai.usage.input_tokens"
OUTPUT: Final = "gen_ai.usage.output_tokens"
CACHED: Final = "gen_ai.usage.cache_read.input_tokens"
REASONING: Final = "gen_ai.usage.reasoning.output_tokens"

ATTEMPT: Final = "adapter.attempt"
WHY: Final = "adapter.why"
TRANSPORT: Final = "adapter.transport"
NOTE: Final = "note"
NOTE_PARAM: Final = "adapter.note.param"
NOTE_ACTION: Final = "adapter.note.action"
