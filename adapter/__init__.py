"""responses-adapter: the OpenAI Responses API in front of any chat-completions provider."""

__version__ = "0.1.0"
