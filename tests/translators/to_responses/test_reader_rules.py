"""Every rule of reading a provider, by name: small answers, and what the response says.

Each answer is read whole and byte by byte. A row is the body, what is said in order, and how it ends. Rules about
single functions have their own tables: test_sse, test_deltas, test_calls.
"""

import json
from typing import Any

import pytest

from tests.translators.to_responses.chunks import (
    CALL,
    CALLED,
    DONE,
    HI,
    HM,
    OTHER,
    STOP,
    Chunk,
    call,
    called,
    delta,
    framed,
    message,
    read,
)

Row = tuple[list[Chunk], list[Any], str]

RULES: dict[str, Row] = {
    # --- what stands around the answer
    "id, object, model and created are missing": ([delta(content="Hi"), STOP, DONE], [HI], "completed"),
    "id, object, model and created are empty": (
        [{"id": "", "object": "", "model": "", "created": 0, **delta(content="Hi")}, STOP, DONE], [HI], "completed"
    ),
    "id, object, model and created are null or something else": (
        [{"id": None, "object": 5, "model": {}, "created": "now", **delta(content="Hi")}, STOP, DONE], [HI], "completed"
    ),
    "the id changes": (
        [{"id": "a", **delta(content="H")}, {"id": "b", **delta("stop", content="i")}], [HI], "completed"
    ),
    "unknown members everywhere": (
        [{"p": "x", "choices": [{"seed": 2**60, "delta": {"content": "Hi", "channel": "x"}, "matched_stop": 7}],
          "obfuscation": "y"}, STOP], [HI], "completed"
    ),
    "choices are empty first (Azure)": (
        [{"id": "", "choices": [], "prompt_filter_results": []}, delta(content="Hi"), STOP], [HI], "completed"
    ),
    "choices are empty, null or missing in between": (
        [delta(content="H"), {"choices": []}, {"choices": None}, {}, b"null", delta(content="i"), STOP],
        [HI], "completed",
    ),
    "choices hold something else": (
        [{"choices": [5, None]}, {"choices": {}}, delta("stop", content="Hi")], [HI], "completed"
    ),
    "the choice has no index": (
        [{"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}], [HI], "completed"
    ),
    "another choice's text": (
        [delta(content="Hi"), {"choices": [{"index": 1, "delta": {"content": "No"}, "finish_reason": "length"}]}, STOP],
        [HI], "completed",
    ),
    # --- deltas
    "a delta of the role alone": ([delta(role="assistant"), delta("stop", content="Hi")], [HI], "completed"),
    "no role at all": ([delta(content="Hi"), STOP], [HI], "completed"),
    "the role with every delta": (
        [delta(role="assistant", content=text) for text in ("H", "i", "")] + [STOP], [HI], "completed"
    ),
    "an empty role": ([delta(role="", content="Hi"), STOP], [HI], "completed"),
    "delta is null, missing or something else": (
        [{"choices": [{"index": 0, "delta": None}]}, {"choices": [{"index": 0}]}, {"choices": [{"delta": "x"}]},
         delta("stop", content="Hi")], [HI], "completed"
    ),
    "every member of a delta is null (SGLang)": (
        [delta(role=None, content=None, reasoning_content=None, tool_calls=None, function_call=None, refusal=None,
               audio=None, annotations=None, images=None), delta("stop", content="Hi")], [HI], "completed"
    ),
    "content is parts": (
        [delta(content=[{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}]),
         delta(content=[{"type": "text", "text": "H"}, "i"]), STOP], [HM, HI], "completed"
    ),
    "content is parts, thinking in a summary (Databricks)": (
        [message(content=[{"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
                          {"type": "text", "text": "Hi"}])], [HM, HI], "completed"
    ),
    "content is an object (Cloudflare)": ([message(content={"a": 1})], [("output_text", '{"a":1}')], "completed"),
    "content is a number": ([delta(content=5), delta("stop", content="Hi")], [HI], "completed"),
    "the text of a choice itself (old completions)": (
        [{"object": "text_completion", "choices": [{"index": 0, "text": "Hi", "finish_reason": "eos_token"}]}],
        [HI], "completed",
    ),
    "message beside delta (Perplexity)": (
        [{"choices": [{"delta": {"content": text}, "message": {"content": whole}, "finish_reason": finish}]}
         for text, whole, finish in (("H", "H", None), ("i", "Hi", "stop"))], [HI], "completed"
    ),
    "message in place of delta": ([message(content="Hi")], [HI], "completed"),
    "the whole message behind its pieces (MiniMax)": (
        [delta(reasoning_content="Hm."), delta(content="H"), delta(content="i"),
         message(content="Hi", reasoning_content="Hm.")], [HM, HI], "completed"
    ),
    "the same with a call": (
        [delta(content="Hi"), called(call(index=0, id="x")),
         message("tool_calls", content="Hi", tool_calls=[call(id="x")])], [HI, CALL], "completed"
    ),
    "the same with a call that only the message has": (
        [delta(content="Hi"), message("tool_calls", content="Hi", tool_calls=[call(id="x")])], [HI, CALL], "completed"
    ),
    "calls in a message behind the text": (
        [delta(content="Hi"), message("tool_calls", content=None, tool_calls=[call(id="x")])], [HI, CALL], "completed"
    ),
    "more of the message behind a piece of it": (
        [delta(content="Hello, "), message(content="you.")], [("output_text", "Hello, you.")], "completed"
    ),
    "a refusal": ([delta(refusal="No"), delta(refusal="."), STOP], [("refusal", "No.")], "completed"),
    "speech": ([delta(audio={"id": "x", "transcript": "Hi"}), delta(audio={"data": ""}), STOP], [HI], "completed"),
    # --- thinking
    "reasoning_content": ([delta(reasoning_content="Hm."), delta(content="Hi"), STOP], [HM, HI], "completed"),
    "reasoning": ([delta(reasoning="Hm."), delta(content="Hi"), STOP], [HM, HI], "completed"),
    "reasoning_details": (
        [delta(reasoning_details=[{"type": "reasoning.text", "text": "Hm."}]), delta(content="Hi"), STOP],
        [HM, HI], "completed",
    ),
    "reasoning_details whose type and index are something else": (
        [delta(reasoning_details=[{"type": ["x"], "index": {}, "text": "Hm."}]), delta("stop", content="Hi")],
        [HM, HI], "completed",
    ),
    "the same thinking under two names": (
        [delta(reasoning="Hm.", reasoning_content="Hm.", reasoning_details=[{"text": "Hm."}]),
         delta("stop", content="Hi")], [HM, HI], "completed"
    ),
    "empty thinking beside text": (
        [delta(reasoning="", reasoning_content=None, reasoning_details=[], content="Hi"), STOP], [HI], "completed"
    ),
    "thinking and text in one delta": ([delta("stop", reasoning="Hm.", content="Hi")], [HM, HI], "completed"),
    "tags that are split": (
        [delta(content=text) for text in ("<th", "ink>Hm.", "</thi", "nk>", "\n\nHi")] + [STOP], [HM, HI], "completed"
    ),
    "a closing tag that nothing opened": (
        [delta(content="Hi</think>"), STOP], [("output_text", "Hi</think>")], "completed"
    ),
    # --- calls: which piece belongs to which
    "a call in one delta": ([called(call(index=0, id="x")), CALLED], [CALL], "completed"),
    "a call in pieces": (
        [called(call(index=0, id="x", arguments="")), called({"index": 0, "function": {"arguments": '{"a"'}}),
         called({"index": 0, "function": {"arguments": ":1}"}}), CALLED], [CALL], "completed"
    ),
    "two calls in one delta": (
        [called(call(index=0, id="x"), call("g", "{}", index=1, id="y")), CALLED], [CALL, OTHER], "completed"
    ),
    "two calls in one delta without index (Mistral)": (
        [called(call(id="x"), call("g", "{}", id="y")), CALLED], [CALL, OTHER], "completed"
    ),
    "no index and an empty id (Gemini)": (
        [called(call(id=""), call("g", "{}", id="")), STOP], [CALL, OTHER], "completed"
    ),
    "neither index nor id, a delta each": ([called(call()), called(call("g", "{}")), STOP], [CALL, OTHER], "completed"),
    "index -1 (Z.AI)": (
        [called(call(index=-1, id="x")), called(call("g", "{}", index=-1, id="y")), CALLED], [CALL, OTHER], "completed"
    ),
    "index null": (
        [called(call(index=None, id="x")), called(call("g", "{}", index=None, id="y")), CALLED],
        [CALL, OTHER], "completed",
    ),
    "the same index for two ids": (
        [called(call(index=0, id="x")), called(call("g", "{}", index=0, id="y")), CALLED], [CALL, OTHER], "completed"
    ),
    "the same id for two calls": (
        [called(call(index=0, id="x")), called(call("g", "{}", index=1, id="x")), CALLED], [CALL, OTHER], "completed"
    ),
    "the first index is not 0": (
        [called(call(index=3, id="x")), called(call("g", "{}", index=5, id="y")), CALLED], [CALL, OTHER], "completed"
    ),
    "an id that is a number": ([called(call(index=0, id=0)), CALLED], [CALL], "completed"),
    "id, type and name repeated with every piece": (
        [called(call(index=0, id="x", arguments='{"a"')), called(call(index=0, id="x", arguments=":1}")), CALLED],
        [CALL], "completed",
    ),
    "id, type and name empty or null later": (
        [called(call(index=0, id="x", arguments='{"a"')), called(call("", ":", index=0, id="", type="")),
         called(call(None, "1}", index=0, id=None, type=None)), CALLED], [CALL], "completed"
    ),
    "id and name after the arguments": (
        [called({"index": 0, "function": {"arguments": '{"a":1}'}}), called(call(index=0, id="x", arguments="")),
         CALLED],
        [CALL], "completed",
    ),
    "no type": ([called({"index": 0, "id": "x", "function": {"name": "f", "arguments": '{"a":1}'}}), CALLED],
                [CALL], "completed"),
    "pieces of two calls in turn": (
        [called(call(index=0, id="x", arguments='{"a"')), called(call("g", "{", index=1, id="y")),
         called({"index": 0, "function": {"arguments": ":1}"}}), called({"index": 1, "function": {"arguments": "}"}}),
         CALLED], [CALL, OTHER], "completed"
    ),
    "the whole call again at the end": (
        [called(call(index=0, id="x", arguments='{"a"')), called({"index": 0, "function": {"arguments": ":1}"}}),
         called(call(index=0, id="x"), finish="tool_calls")], [CALL], "completed"
    ),
    "tool_calls is one call (TGI)": ([delta(tool_calls=call(index=0, id=0)), CALLED], [CALL], "completed"),
    "tool_calls is empty or null beside text": (
        [delta(content="H", tool_calls=[]), delta("stop", content="i", tool_calls=None)], [HI], "completed"
    ),
    "a call without function": ([called({"index": 0, "id": "x"}), delta("stop", content="Hi")], [HI], "completed"),
    "the legacy function_call": (
        [delta(function_call={"name": "f", "arguments": '{"a"'}), delta(function_call={"arguments": ":1}"}),
         delta("function_call")], [CALL], "completed"
    ),
    "a blank function_call (Snowflake)": (
        [delta(content="Hi", function_call={"name": "", "arguments": ""}), STOP], [HI], "completed"
    ),
    "calls of a whole message with one index": (
        [message("tool_calls", tool_calls=[call(index=0, id="x"), call("g", "{}", index=0, id="y")])],
        [CALL, OTHER], "completed",
    ),
    # --- calls: arguments
    "arguments are an object": ([called(call(index=0, id="x", arguments={"a": 1})), CALLED], [CALL], "completed"),
    "parameters in place of arguments (TGI)": (
        [called({"index": 0, "function": {"name": "f", "parameters": {"a": 1}}}), CALLED], [CALL], "completed"
    ),
    "arguments are empty": ([called(call("g", "", index=0, id="x")), CALLED], [OTHER], "completed"),
    "arguments are null": ([called(call("g", None, index=0, id="x")), CALLED], [OTHER], "completed"),
    "arguments are missing": ([called({"index": 0, "function": {"name": "g"}}), CALLED], [OTHER], "completed"),
    "arguments that length has cut": (
        [called(call(index=0, id="x", arguments='{"a":')), delta("length")],
        [("call", "f", '{"a":')], "max_output_tokens",
    ),
    "finish stop although there are calls": ([called(call(index=0, id="x")), STOP], [CALL], "completed"),
    "text behind a call": ([called(call(index=0, id="x")), delta("stop", content="Hi")], [CALL, HI], "completed"),
    # --- the end
    **{
        f"finish {reason}": ([delta(content="Hi"), delta(reason), DONE], [HI], "completed")
        for reason in (
            "stop", "tool_calls", "tool_call", "tool_use", "function_call", "eos", "eos_token", "end_turn", "complete",
            "STOP", "unheard of",
        )
    },
    **{
        f"finish {reason}": ([delta(content="Hi"), delta(reason), DONE], [HI], "max_output_tokens")
        for reason in ("length", "max_tokens", "max_output_tokens", "model_length", "token_limit", "MAX_TOKENS")
    },
    **{
        f"finish {reason}": ([delta(content="Hi"), delta(reason), DONE], [HI], "content_filter")
        for reason in ("content_filter", "safety", "sensitive", "refusal", "recitation", "PROHIBITED_CONTENT")
    },
    **{
        f"finish {reason}": ([delta(content="Hi"), delta(reason), DONE], [HI], "failed")
        for reason in ("error", "insufficient_system_resource", "network_error", "abort", "malformed_function_call")
    },
    "finish reason empty until the end (Snowflake)": (
        [delta("", content="H"), delta("", content="i"), delta("stop")], [HI], "completed"
    ),
    "finish reason empty for ever, and [DONE]": ([delta("", content="Hi"), DONE], [HI], "completed"),
    "finish reason missing until the end (xAI)": (
        [{"choices": [{"index": 0, "delta": {"content": "Hi"}}]}, STOP], [HI], "completed"
    ),
    "finish_details in place of it": (
        [{"choices": [{"delta": {"content": "Hi"}, "finish_details": {"type": "max_tokens"}}]}],
        [HI], "max_output_tokens",
    ),
    "finish with the last text": ([delta("stop", content="Hi"), DONE], [HI], "completed"),
    "finish repeated": (
        [delta(content="Hi"), STOP, STOP, {**STOP, "usage": {"prompt_tokens": 1}}, DONE], [HI], "completed"
    ),
    "finish, then null again": (
        [delta(content="Hi"), delta("length"), delta(content=""), DONE], [HI], "max_output_tokens"
    ),
    "text behind the finish": ([delta("stop", content="H"), delta(content="i"), DONE], [HI], "completed"),
    "no [DONE] behind a finish": ([delta(content="Hi"), STOP], [HI], "completed"),
    "[DONE] without a finish": ([delta(content="Hi"), DONE], [HI], "completed"),
    "neither": ([delta(content="Hi")], [HI], "failed"),
    "nothing but a finish": ([STOP, DONE], [], "completed"),
    "nothing but [DONE]": ([DONE], [], "failed"),
    # --- errors inside 200
    "an error chunk": ([delta(content="Hi"), {"error": {"message": "Broken."}}], [HI], "failed"),
    "an error chunk with choices (OpenRouter)": (
        [delta(content="Hi"), {**delta(content=""), "error": {"code": 502, "message": "Broken."}}, DONE], [HI], "failed"
    ),
    "an error in a choice": (
        [delta(content="Hi"), {"choices": [{"delta": {}, "error": {"message": "Broken."}}]}], [HI], "failed"
    ),
    "an error in x_groq": (
        [delta(content="Hi"), {**delta(), "x_groq": {"id": "x", "error": "Broken."}}], [HI], "failed"
    ),
    "an error that is a string": ([{"error": "Broken."}], [], "failed"),
    "an error without a message": ([{"error": {}}, {"error": {"code": 500}}], [], "failed"),
    "an error that is null": ([{**delta("stop", content="Hi"), "error": None}], [HI], "completed"),
    "a flat error (Mistral)": ([{"object": "error", "message": "Broken.", "code": 3505}], [], "failed"),
    "FastAPI's detail": ([{"detail": "Broken."}], [], "failed"),
    "MiniMax's base_resp": (
        [{"choices": None, "base_resp": {"status_code": 1008, "status_msg": "Broken."}}], [], "failed"
    ),
    "MiniMax's base_resp of a good answer": (
        [{**delta("stop", content="Hi"), "base_resp": {"status_code": 0, "status_msg": ""}}], [HI], "completed"
    ),
    "a list of errors (Cloudflare)": ([{"success": False, "errors": [{"message": "Broken."}]}], [], "failed"),
    "a word beside the token counts": (
        [delta(content="Hi"), STOP, {"choices": [], "usage": {"prompt_tokens": 1}, "msg": "success"}], [HI], "completed"
    ),
    "msg in place of message (Zhipu)": ([{"code": 500, "msg": "Broken.", "success": False}], [], "failed"),
    "a chunk that is no JSON": ([delta(content="Hi"), b"<html>"], [HI], "failed"),
}  # fmt: skip

FRAMES = {
    "LF": framed([delta(content="Hi"), STOP, DONE]),
    "CRLF": framed([delta(content="Hi"), STOP, DONE], b"\r\n\r\n"),
    "CR": framed([delta(content="Hi"), STOP, DONE], b"\r\r"),
    "single line ends": framed([delta(content="Hi"), STOP, DONE], b"\n"),
    "no space behind the colon": framed([delta(content="Hi"), STOP, DONE]).replace(b"data: ", b"data:"),
    "event lines": framed([delta(content="Hi"), STOP, DONE]).replace(b"data: ", b"event: message\nid: 1\ndata: "),
    "comments": b": WAIT\n\n" + framed([delta(content="Hi"), STOP, DONE]).replace(b"\n\n", b"\n\n: WAIT\n\n"),
    "blank chunks to keep alive": framed([b"", delta(content="Hi"), b" ", STOP, DONE]),
    "no line end at the end": framed([delta(content="Hi"), STOP]).rstrip(),
    "white space ahead": b"\n \n" + framed([delta(content="Hi"), STOP, DONE]),
    "a byte order mark": b"\xef\xbb\xbf" + framed([delta(content="Hi"), STOP, DONE]),
    "white space in the payload": framed(
        [b' { "choices" : [ {"delta":{"content":"Hi"}, "finish_reason" : "stop"} ] }  ']
    ),
    "a payload over several lines": framed(
        [json.dumps(delta("stop", content="Hi"), indent=1).replace("\n", "\ndata: ").encode()]
    ),
    "a whole completion": json.dumps(message(content="Hi")).encode(),
    "a whole completion in an array": json.dumps([message(content="Hi")]).encode(),
}

ERRORS_IN_200 = {
    "a whole body that is an error": json.dumps({"error": {"message": "Broken."}, "user_id": "u"}).encode(),
    "an error in an array": json.dumps([{"error": {"message": "Broken."}}]).encode(),
    "an event named error": b'event: error\ndata: {"error":{"message":"Broken."}}\n\n',
    "an error field": b'error: {"code":500,"message":"Broken."}\n\n',
    "an error of one word": b'data: {"error":"Broken."}\n\n',
}


@pytest.mark.parametrize("name", RULES)
def test_a_rule(name: str) -> None:
    chunks, says, ends = RULES[name]
    body = framed(chunks)
    found = read(body)
    assert found[:2] == (says, ends)
    assert (found[2] == "Broken.") == (b"Broken." in body)


@pytest.mark.parametrize("name", FRAMES)
def test_a_frame(name: str) -> None:
    assert read(FRAMES[name])[:2] == ([HI], "completed")


@pytest.mark.parametrize("name", ERRORS_IN_200)
def test_an_error_with_status_200(name: str) -> None:
    assert read(ERRORS_IN_200[name]) == ([], "failed", "Broken.")
