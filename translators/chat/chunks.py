"""Chunks of a chat stream and whole completions: what comes back from `POST /chat/completions`.

Every field is read in each form that some provider was seen to send (a call id as a number, content as a list or an
object, usage members as null); `to_responses/deltas.py` makes one form of them. Unknown members are ignored.
Source: OpenAI API reference, Chat: streaming; docs/dialects.md.
"""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct, field

from translators.reasoning.fields import ThinkingDelta
from translators.wire import Decoder


class FunctionDelta(Struct, gc=False):
    name: str | None = None
    arguments: str | dict[str, Any] | list[Any] | None = None
    parameters: dict[str, Any] | None = None
    """TGI has `parameters` where others have `arguments`."""
    input: str | dict[str, Any] | None = None
    args: str | dict[str, Any] | None = None
    """Gateways in front of Anthropic and Gemini."""


class ToolCallDelta(Struct, gc=False):
    index: int | None = None
    id: str | int | None = None
    function: FunctionDelta | None = None
    extra_content: dict[str, Any] | None = None
    """Gemini's signature of the call."""
    name: str | None = None
    """Gateways that leave `function` out have its members here."""
    arguments: str | dict[str, Any] | list[Any] | None = None


class Source(Struct, gc=False):
    """A page that an answer cites, or a search result."""

    url: str | None = None
    title: str | None = None
    start_index: int | None = None
    end_index: int | None = None


class SearchResults(Struct, gc=False):
    results: list[Source] | None = None


class ExecutedTool(Struct, gc=False):
    """A search that Groq made by itself; `arguments` and `output` are in its reasoning, too."""

    search_results: SearchResults | None = None


class VeniceParameters(Struct, gc=False):
    web_search_citations: list[Source] | None = None


class Annotation(Source, gc=False):
    """A source under `url_citation`, or (some gateways) flat; other types are files."""

    type: str | None = None
    url_citation: Source | None = None


class ImageAddress(Struct, gc=False):
    url: str | None = None


class ImageDelta(Struct, gc=False):
    image_url: ImageAddress | str | None = None


class AudioDelta(Struct, gc=False):
    data: str | None = None
    transcript: str | None = None


class Delta(ThinkingDelta, gc=False):
    """The new part of an answer; of a whole completion, `message` is read as one delta."""

    content: str | list[Any] | dict[str, Any] | None = None
    extra_content: dict[str, Any] | None = None
    reasoning_opaque: str | None = None
    """GitHub Copilot's encrypted thinking."""
    refusal: str | None = None
    tool_calls: list[ToolCallDelta] | ToolCallDelta | None = None
    function_call: FunctionDelta | None = None
    annotations: list[Annotation] | None = None
    executed_tools: list[ExecutedTool] | None = None
    images: list[ImageDelta] | None = None
    """What OpenRouter and LiteLLM have for images: they are no part of `content`."""
    audio: AudioDelta | None = None


class TopLogprob(Struct, gc=False):
    token: str | None = None
    logprob: float | None = None
    bytes: list[int] | None = None


class TokenLogprob(TopLogprob, gc=False):
    top_logprobs: list[TopLogprob] | None = None


class Logprobs(Struct, gc=False):
    content: list[TokenLogprob] | None = None
    refusal: list[Any] | None = None


Count = Annotated[int, Meta(ge=0, lt=2**53)]


class PromptDetails(Struct, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None


class CompletionDetails(Struct, gc=False):
    reasoning_tokens: Count | None = None


class ChatUsage(Struct, gc=False):
    """Token counts, under every name that some provider has for one; a negative one is as good as none."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None
    prompt_cache_hit_tokens: Count | None = None
    """DeepSeek's name for the cached part."""
    cached_tokens: Count | None = None
    """Moonshot's name for the cached part."""
    num_cached_tokens: Count | None = None
    """Mistral's name for the cached part."""
    cache_read_input_tokens: Count | None = None
    """Anthropic's name for the cached part."""
    cache_creation_input_tokens: Count | None = None
    """Anthropic's name for the part that was written to a cache."""
    reasoning_tokens: Count | None = None
    """SGLang's and Copilot's place for it."""
    input_tokens: Count | None = None
    """The names of the Responses API, which some gateways pass on, and of Anthropic's."""
    output_tokens: Count | None = None
    camel_prompt: Count | None = field(default=None, name="promptTokens")
    """The names of JavaScript gateways, and of Bedrock's own API."""
    camel_completion: Count | None = field(default=None, name="completionTokens")
    camel_input: Count | None = field(default=None, name="inputTokens")
    camel_output: Count | None = field(default=None, name="outputTokens")
    gemini_prompt: Count | None = field(default=None, name="promptTokenCount")
    """The names of Gemini's own API."""
    gemini_output: Count | None = field(default=None, name="candidatesTokenCount")
    gemini_total: Count | None = field(default=None, name="totalTokenCount")
    gemini_cached: Count | None = field(default=None, name="cachedContentTokenCount")
    gemini_thinking: Count | None = field(default=None, name="thoughtsTokenCount")
    prompt_eval_count: Count | None = None
    """The names of Ollama's own API."""
    eval_count: Count | None = None
    input_tokens_details: PromptDetails | None = None
    output_tokens_details: CompletionDetails | None = None

    def has_numbers(self) -> bool:
        """Whether the prompt or the answer was counted."""
        return self.prompt_tokens is not None or self.sent is not None or self.made is not None

    @property
    def sent(self) -> int | None:
        if self.prompt_tokens is not None:
            return self.prompt_tokens
        return _first_count(
            self.input_tokens, self.camel_prompt, self.camel_input, self.gemini_prompt,
            self.prompt_eval_count,
        )  # fmt: skip

    @property
    def made(self) -> int | None:
        if self.completion_tokens is not None:
            return self.completion_tokens
        return _first_count(
            self.output_tokens, self.camel_completion, self.camel_output, self.gemini_output,
            self.eval_count,
        )  # fmt: skip


def _first_count(*counts: int | None) -> int | None:
    """Return the first count that there is."""
    for count in counts:
        if count is not None:
            return count
    return None


class FinishDetails(Struct, gc=False):
    type: str | None = None


class Choice(Struct, gc=False):
    index: int | None = None
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    finish_details: FinishDetails | None = None
    """Early vision models of OpenAI's have this in place of a finish reason."""
    logprobs: Logprobs | None = None
    error: Any = None
    """The failure of the provider that OpenRouter called."""
    usage: ChatUsage | None = None
    """Moonshot's place for it, with the finish reason."""


class GroqExtras(Struct, gc=False):
    usage: ChatUsage | None = None
    error: Any = None
    """Why a stream was stopped early."""


class Chunk(Struct, gc=False):
    """One chunk of a stream, or a whole completion."""

    choices: list[Choice] | None = None
    usage: ChatUsage | None = None
    usage_metadata: ChatUsage | None = field(default=None, name="usageMetadata")
    """Gemini's own place for it."""
    prompt_eval_count: Count | None = None
    """Ollama's own place for it, with the finish reason."""
    eval_count: Count | None = None
    service_tier: str | None = None
    error: Any = None
    x_groq: GroqExtras | None = None
    citations: list[str | Source] | None = None
    """The sources of the answer, all of them in every chunk (Perplexity, xAI)."""
    search_results: list[Source] | None = None
    """The same with titles; Perplexity's newer name."""
    venice_parameters: VeniceParameters | None = None


decode_chunk: Final = Decoder(Chunk).decode
"""For payloads that fit the types; raises NotJSON for others."""
