"""Wordings of the providers' errors: one pattern for each class of failure.

A pattern is searched in an error's code, type and message together. The comment after a wording names the provider
that uses it, where it is not common. Several providers answer in their users' language, whatever that of the request:
the wordings in Chinese are those of Z.AI, DashScope, SiliconFlow, Volcengine, Baidu and the gateways One API and New
API; in other languages there is one row each. Source: recorded error bodies, see
`tests/translators/failures/test_classes.py`; Z.AI docs, error codes; langchain4j/langchain4j#1079;
continuedev/continue#11823.
"""

import re
from functools import cached_property
from typing import Final


class Wordings:
    """The pattern that finds any of some wordings; letters of other scripts end a word like a blank.

    Beyond ASCII, case counts: such wordings leave out their first letter. It is compiled for the first error that it is
    searched in.
    """

    def __init__(self, *wordings: str) -> None:
        self._wordings = wordings

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile("|".join(self._wordings), re.IGNORECASE | re.ASCII)

    def search(self, text: str) -> re.Match[str] | None:
        return self._pattern.search(text)


OUTPUT_LIMIT: Final = Wordings(
    r"max(_completion|_output)?_tokens'?( or 'max_completion_tokens')? is too large",  # vLLM, OpenAI
    r"model supports at most \d+ completion tokens",
    r"max_(completion_|output_)?tokens.{0,30}(非法|过大|超过|超出|取值)",
)
"""The requested output is too long; the input fits."""

CONTEXT: Final = Wordings(
    r"context[_ ]?(length|window|size)[_ ]?(exceeded|limit)",
    r"exceed(s|ed|ing)?\b.{0,60}(context[_ ](length|window|size|limit)|input length)",  # llama.cpp, Cloudflare
    r"exceed(s|ed|ing)?\b.{0,40}max(imum)? (context|input|prompt|sequence)",
    r"(context|prompt|input)[_ ](length|window|size|limit).{0,40}exceed",  # MiniMax
    r"max(imum)?[_ ](allowed )?(context|model|prompt|sequence|input)[_ ]?len",  # OpenAI, vLLM, xAI, SambaNova
    r"model'?s context length",  # SGLang
    r"with context length of only|greater than the context length|context the overflows",  # LM Studio
    r"exceed_context|n_ctx",  # llama.cpp
    r"(prompt|input)s? (is|are) too (long|large)( for| to process|:|\.|$)",  # Bedrock, Fireworks
    r"messages? (is|are) too long",
    r"kontext(länge|fenster)[^.]{0,40}(überschr|zu lang)|uper(ó|a)[^.]{0,20}longitud[^.]{0,20}contexto",
    r"prompt exceeds? max",  # Z.AI
    r"exceeded model token limit",  # Moonshot
    r"too many input tokens|too many tokens: ",  # Cohere
    r"token count (\(\d+\) |of \d+ )?exceeds the",  # Gemini, Copilot
    r"model_max_prompt_tokens",  # Copilot
    r"input tokens exceed|input tokens \d* ?cannot exceed",  # OpenAI, watsonx
    r"exceeds? the (model'?s )?max(imum)?.{0,40}tokens",
    r"range of input length",  # DashScope
    r"model only supports up to \d+",  # Vertex
    r"`?inputs`? (tokens )?(\+ `?max_new_tokens`? )?must (be <=|have less)",  # TGI
    r"reduce the length of (the (messages|prompt|input)|either)",  # OpenAI, Groq, Cerebras, OpenRouter
    r"max tokens of \d+ exceeded",  # Snowflake
    r"contextwindowexceeded",  # LiteLLM
    r"(prompt|input|输入|提示词?|上下文|对话|消息|文本|请求内容)(的)?(内容|总)?(长度|tokens?|字数|数量)?[^，。]{0,6}"
    r"(超长|过长|太长|(超过|超出|大于)[^，。]{0,20}(最大|上限|限制|长度|窗口|上下文|范围))",
    r"(超过|超出)了?(该|当前)?(模型)?(的|所)?(支持的)?(最大)?(上下文|输入长度|token ?数?(限制|上限))",
    r"\btokens? ?(数量?|总数)?(超过|超出)了?[^，。每]{0,6}(上限|限制)",
    r"(入力|プロンプト|コンテキスト)[^。]{0,20}(長すぎ|超え|超過)",
    r"(입력|프롬프트|컨텍스트)[^.]{0,20}(너무 (길|깁)|초과)",
    r"ревыш(ен|ает)[^.]{0,30}(контекст|длин)|лишком длинн",
    r"(kontext|eingabe)[^.]{0,30}(zu lang|überschreitet)|contexte[^.]{0,30}(dépass|trop long)|dépass[^.]{0,40}contexte",
    r"(contexto|entrada)[^.]{0,30}(demasiado larg|muito long|excede|supera)",
)
"""The input is longer than the model's context."""

ABOVE_RATE: Final = Wordings(r"request too large", r"must be reduced in order to run")
"""One request exceeds the allowance of a whole minute (OpenAI, Groq), so no retry can succeed."""

RATE: Final = Wordings(
    r"rate[_ -]?limit|too[_ ]many[_ ]requests|throttl|slow[_ ]?down",
    r"resource[_ ]exhausted",  # Google
    r"capacity[_ ]exceeded",  # Mistral
    r"too many concurrent|concurrency",
    r"too many tokens, please wait",  # Bedrock
    r"(tokens?|requests?) per (min|day)",
    r"限流|速率限制|频率(过高|超限|限制)|并发(数|量)?(过高|过多|超|达)",
    r"(请求|调用|访问)(次数|频率|过于|速度)?(过多|过快|过高|频繁|超限)",
    r"(每分钟|每秒|每小时|每日|每天|每周|每月|[0-9]+ ?小时)[^，。]{0,20}(上限|限制|限额|超)",
    r"レート制限|リクエストが多すぎ|요청이 너무 많|요청 한도|лишком много запросов|ревышен лимит запросов",
    r"zu viele anfragen|trop de requêtes|demasiadas solicitudes|muitas solicitações",
)

TOO_FAST: Final = Wordings(r"too many requests", r"(请求|调用|访问)过于?频繁", r"达到(了)?(速率|频率)限制")
"""A rate limit and nothing else, whatever the status."""

QUOTA: Final = Wordings(
    r"insufficient[_ ](quota|balance|credit|funds?)|not enough (credit|balance|funds?)",
    r"exceeded your (current|monthly) (quota|usage|included)|quota exceeded|spending limit|usage_not_included",
    r"billing[_ ](hard[_ ]limit|not[_ ]active)|payment required",
    r"(daily|weekly|monthly)\b.{0,20} limit (is |has been )?(exhausted|used up)",  # Z.AI 1310
    r"more credits|credit balance|out of credits|(no|any) (remaining )?credits",
    r"account.{0,30}(suspended|arrears|overdue)|overdue[_ ]?(balance|payment|error)",  # Volcengine
    r"arrearage|free ?tier[^.]{0,40}(exhausted|only)",  # DashScope
    r"(balance|credits?|quota|funds) (is|are|has been) (insufficient|too low|exhausted|used up)",  # SiliconFlow
    r"余额(不足|已?用[完尽]|耗尽)|欠费|请(先|及时|前往)?充值|资源包",
    r"(额度|配额|点数|积分)[^，。]{0,8}(不足|已?用[完尽]|耗尽|失败)|套餐[^，。]{0,12}(到期|过期|用[完尽]|耗尽)",
    r"残高(が)?不足|クレジット(が)?不足|잔액(이)? ?부족|크레딧(이)? ?부족",
    r"едостаточно (средств|токенов)",
    r"guthaben[^.]{0,20}(nicht aus|aufgebraucht)|(crédit|solde)s? insuffisant|(saldo|créditos) insuficiente",
)
"""Money or an allowance has run out."""

CONTENT: Final = Wordings(
    r"content[_ -]?(filter|policy|management)|responsible_?ai",  # Azure
    r"content violates|safety_check",  # xAI
    r"usage (policy|policies|guidelines)|invalid_prompt",  # OpenAI
    r"(was|been|prompt|input) flagged|requires moderation",  # OpenAI, OpenRouter
    r"data_?inspection_?failed|inappropriate content",  # DashScope
    r"content exists risk",  # DeepSeek
    r"sensitive[_ ]?(content|information|text)|new_sensitive|unsafe content|prohibited_content",  # Z.AI, MiniMax
    r"敏感(内容|信息|词|数据)|不安全|(安全|合规)(性)?(风险|问题|隐患)|违规|不适?当(的)?(内容|信息)|不合规",
    r"内容(安全|审核|审查|过滤|风险)|安全(审核|审查|策略|规范)|违反[^，。]{0,10}(规范|政策|规定|法律)",
    r"涉及[^，。]{0,8}(政治|色情|暴力|敏感|违法)",
    r"コンテンツ(フィルタ|ポリシー)|不適切な(内容|コンテンツ)|콘텐츠 (필터|정책)|부적절한 (내용|콘텐츠)",
    r"еприемлем[^.]{0,20}(контент|содерж)|inhaltsrichtlini|conten(u|ido) (inappropri|inapropiad|sensible)",
)
"""The provider's content filter blocked the request."""

INVALID_KEY: Final = Wordings(
    r"(invalid|incorrect|missing|no|valid) (api[ _-]?key|access token|bearer token|credentials)|invalid_api_key",
    r"api[ _-]?key (is |was )?(not valid|invalid|missing|required|expired)",
    r"authentication[ _](fails|failed|error|required)|unauthori[sz]ed|login fail",
    r"(api ?key|密钥|令牌|\btoken\b|鉴权|身份验证|认证)[^，。]{0,8}(无效|错误|失败|非法|过期|不正确|不存在)",
    r"无效的? ?(api ?key|密钥|令牌)",
)

_NAME: Final = r"[`'\"]?[^\s`'\"]{1,120}[`'\"]?"
"""One word, quoted or not."""

UNKNOWN_MODEL: Final = Wordings(
    r"model_not_found|model_not_exist|model_decommissioned|invalid_model|deploymentnotfound|modelnotfound",
    r"(unknown|invalid|no such|unsupported) model\b|not a valid model|not a chat model",
    r"\bmodel (is |does )?not (exist|found)",
    rf"\bmodels?:? {_NAME} (does not|doesn'?t|do not) exist",
    rf"\bmodel:? {_NAME} not found",
    rf"\bmodel:? {_NAME} (is not|isn'?t|was not) (found|a? ?valid|available|loaded|deployed|served|supported)\b",
    rf"\bmodel {_NAME} (is|was|has been) (deprecated|decommissioned|retired|no longer)",
    r"no endpoints found for|period for this model has ended",  # OpenRouter
    r"allowed now, your model",  # Hyperbolic
    r"deployment.{0,60}does not exist",  # Azure
    r"not allowed to sample from|(access to|permission for) (the |this )?model",  # OpenAI
    r"模型[^，。]{0,40}(不存在|未找到|找不到|已下线|未开通|无权)",
    r"(不存在|未找到|找不到|无权(限)?(访问|使用))[^，。]{0,6}模型",
    r"모델을 찾을 수 없|モデルが(見つか|存在し)|одель[^.]{0,40}не (найден|существ)|modell[^.]{0,40}nicht gefunden",
)

UNSUPPORTED_FEATURE: Final = Wordings(r"no endpoints found that (can )?(support|handle)")
"""OpenRouter has no provider that supports the request's features."""

UNSUPPORTED_MEDIA: Final = Wordings(
    r"(image|audio|vision|video) (input )?is not supported", r"\bmmproj\b", r"required for image"
)
"""llama.cpp and Ollama answer with 500 to media that its model cannot read."""

WRONG_URL: Final = Wordings(
    r"^(not found|method not allowed|404 page not found|no route|cannot (post|get) /|invalid url \()"
)
"""A web server's answer to an unknown path. A provider's own 404 says what was not found."""

NOT_CHAT: Final = Wordings(r"did you mean /v1/responses", r"an adapter has no models of its own")
"""This adapter's own answers to a chat request, and to another adapter that asks for its models."""

PLAIN_HTTP: Final = Wordings(
    r"plain http request was sent to https", r"sent an http request to an https", r"speaking plain http"
)
"""What nginx, Go's and Apache's servers answer to HTTP at a port for TLS. Source: nginx docs, ngx_http_ssl_module."""

INVALID_OUTPUT: Final = Wordings(r"tool_use_failed", r"json_validate_failed", r"tool call validation failed")
"""Groq validates the model's output, and reports an invalid one as a 400."""

OVERLOADED: Final = Wordings(
    r"overloaded", r"no available capacity", r"at capacity", r"server (is )?busy",
    r"繁忙|访问量过大|负载(过高|已满|已经?达到)|过载|系统忙|服务忙|拥挤",
)  # fmt: skip

UNSUPPORTED_PARAM: Final = Wordings(
    r"(not|n't|un)[ -]*(currently )?(be )?(support|permit|recogni[sz]|allow)",
    r"unknown (name|field|parameter|variant)",
    r"extra[_ ](inputs?|fields?|forbidden)",
    r"unexpected keyword",
    r"不支持|不被支持|未知(参数|字段)|无法识别|サポートされてい|지원하지 않|지원되지 않|не поддерживается",
    r"nicht unterstützt|(n'est|ne sont) pas pris|no (se admite|es compatible|está soportad)|não (é )?suportad",
)
"""The provider does not support a parameter, or its value."""
