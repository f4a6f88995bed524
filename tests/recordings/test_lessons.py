"""Every recorded refusal of a recorded request: those below teach what they say, all others teach nothing."""

import json

import pytest

from tests.recordings.recording import Recording, needed, recordings
from tests.support.beside import RECORDED_PROVIDERS
from tests.translators.dialects.test_amendments import RICH
from translators.dialects.amendments import lessons_of
from translators.dialects.rejections import read_rejection
from translators.failures.classes import classify_http_error

pytestmark = needed

LESSONS = {
    "azure/vkryukov-req_llm__azure.mai_ds_r1.tool_round_trip_1": "tool_choice=named",
    "deepseek/0xPlaygrounds-rig__deepseek.wire_shape_matrix.forced_tool_choice_under_thinking_is_rejected_upstream__0":
        "thinking_tool_choice=required",
    "deepseek/0xPlaygrounds-rig__deepseek.wire_shape_matrix.blocking_audio_part_reaches_the_wire": "audio",
    "deepseek/0xPlaygrounds-rig__deepseek.wire_shape_matrix.blocking_image_only_message_reaches_the_wire": "image",
    "openai/envoyproxy-ai-gateway__testopenai.chat-bad-request": "token_limit=max_completion_tokens",
    "openai/pydantic-pydantic-ai__test_openai.test_openai_o1_mini_system_role-developer": "developer_role",
    "openai/pydantic-pydantic-ai__test_openai.test_openai_o1_mini_system_role-system": "system_role",
    "openrouter/social-growth-studio-req_llm__openrouter.mistralai_mistral_7b_instruct_free.object_streaming":
        "tool_choice=named",
    "tgi-hf-inference/huggingface-huggingface.js__inference.tapes__8-c9b95a5": "stream",
}  # fmt: skip
REFUSED = [one for one in recordings("error") if "messages" in (one.request() or ())]


@pytest.mark.parametrize("recording", REFUSED, ids=lambda one: one.file)
def test_what_a_refusal_teaches(recording: Recording) -> None:
    refusal = read_rejection(classify_http_error(recording.status, {}, recording.body(), own_key=True))
    sent = json.dumps(recording.request()).encode()
    taught = [] if refusal is None else list(lessons_of(refusal, sent, RICH))
    assert taught[:1] == [lesson for file, lesson in LESSONS.items() if recording.file.startswith(file + ".error")]


def test_each_of_them_is_there() -> None:
    assert [file for file in LESSONS if not list(RECORDED_PROVIDERS.glob(f"{file}.error.*"))] == []
