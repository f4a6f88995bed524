"""`tool_usage` of a response: what its hosted tools have used, apart from the tokens of the model.

OpenAI leaves the field out where nothing was used; a family of tools that was not used beside one that was has zeros.
Source: OpenAI OpenAPI specification, Response.
"""

from msgspec import UNSET, Struct, UnsetType


class TokensOfImages(Struct, frozen=True, gc=False):
    image_tokens: int = 0
    text_tokens: int = 0

    def plus(self, more: "TokensOfImages") -> "TokensOfImages":
        return TokensOfImages(self.image_tokens + more.image_tokens, self.text_tokens + more.text_tokens)


class ImageGenUsage(Struct, frozen=True, gc=False):
    """The tokens of the images that were made, as their provider counts them."""

    input_tokens: int = 0
    input_tokens_details: TokensOfImages = TokensOfImages()
    output_tokens: int = 0
    total_tokens: int = 0
    output_tokens_details: TokensOfImages | UnsetType = UNSET


class WebSearchUsage(Struct, frozen=True, gc=False):
    num_requests: int = 0
    """Queries that were sent to the backend; opening a page is none."""


class ToolUsage(Struct, frozen=True, gc=False):
    image_gen: ImageGenUsage = ImageGenUsage()
    web_search: WebSearchUsage = WebSearchUsage()

    def plus(self, more: "ToolUsage") -> "ToolUsage":
        """Return the usage of both."""
        one, other = self.image_gen, more.image_gen
        details = [value for value in (one.output_tokens_details, other.output_tokens_details) if value is not UNSET]
        return ToolUsage(
            ImageGenUsage(
                one.input_tokens + other.input_tokens,
                one.input_tokens_details.plus(other.input_tokens_details),
                one.output_tokens + other.output_tokens,
                one.total_tokens + other.total_tokens,
                details[0].plus(details[1]) if len(details) > 1 else details[0] if details else UNSET,
            ),
            WebSearchUsage(self.web_search.num_requests + more.web_search.num_requests),
        )
