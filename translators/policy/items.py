"""What becomes of the items of an input, and of the parts in them. Source: OpenAI API reference, Responses: create."""

from typing import Final

from translators.policy.row import Row, approximated, own, same

INPUT_ITEMS: Final[dict[str, Row]] = {
    "message": same("A message of its role; a later system message may be sent as the user's, with a note."),
    "reasoning": own("Goes back in the provider's own form: what is sealed in it, else its text."),
    "function_call": same("A tool call of the assistant message; names of namespaces become flat."),
    "function_call_output": same("A tool message; images and files follow in a message of the user, with attribution."),
    "custom_tool_call": own("A call of a function that takes the text as `input`."),
    "custom_tool_call_output": same("A tool message, like that of a function."),
    "local_shell_call": own("A call of the function `local_shell`."),
    "local_shell_call_output": same("A tool message."),
    "shell_call": own("A call of the function `shell`."),
    "shell_call_output": own("A tool message with the output of each command and how it ended."),
    "apply_patch_call": own("A call of the function `apply_patch`."),
    "apply_patch_call_output": own("A tool message with the status and the output."),
    "tool_search_call": own("A call of `tool_search`; answered if it was run here, left out if OpenAI ran it."),
    "tool_search_output": own("A tool message; the tools in it can be called from there on."),
    "additional_tools": own("No message; the tools in it can be called from there on."),
    "configuration_update": own("No message; the last one changes the settings of this turn and later ones."),
    "item_reference": own("Replaced by the stored item; an unknown one is a 404."),
    "compaction": own("Unsealed; the model gets it as the summary of the conversation before it."),
    "compaction_trigger": own("Compacts the conversation in place of a turn; never sent, never stored."),
    "computer_call": own("History only: a call of the function `computer`."),
    "computer_call_output": own("History only: a tool message, with the screenshot in a message of the user."),
    "mcp_call": own("A call that was answered with its output or error; nothing is run again."),
    "code_interpreter_call": own("A call that was answered with its logs."),
    "file_search_call": own("A call that was answered with what was found; OpenAI's without results is dropped."),
    "image_generation_call": approximated("A message of the user with the image; one made here is an answered call."),
    "program_output": approximated("History only: its result as a message of the user, labelled."),
    "program": approximated("Dropped with a note: no program runs here."),
    "web_search_call": approximated("One made here: a call with what was found. Another is dropped with a note."),
    "mcp_list_tools": own("No message; while its server is declared, its tools are not fetched again."),
    "mcp_approval_request": own("A call; its result is that of the approved call, or that it was not approved."),
    "mcp_approval_response": own("Runs the call of its request before the model goes on, or tells it that it may not."),
    "agent_message": approximated("A message of the user that names author and recipient, with a note."),
    "multi_agent_call": approximated("History only: what it says as a message of the user, labelled, with a note."),
    "multi_agent_call_output": approximated("History only: its text as a message of the user, labelled, with a note."),
}

CONTENT_PARTS: Final[dict[str, Row]] = {
    "input_text": same("Text; a message of nothing but text becomes one string."),
    "input_image": same("An `image_url` part; by `file_id`, its data. Unsupported: asked last a 400, else left out."),
    "input_file": own("A file where the provider takes files, else its text (text, PDF); also by `file_id`."),
    "input_audio": same("The same part in chat. Other formats, or unsupported: asked last a 400, earlier left out."),
    "output_text": same("Text of the assistant; annotations and token probabilities are not sent back."),
    "refusal": same("A refusal where the provider knows one, else text."),
    "reasoning_text": own("Thinking, in the form that the provider takes back; in a message, text."),
    "summary_text": own("Thinking, where there is no raw text; in a message, text."),
    "text": same("Text."),
    "encrypted_content": approximated("Text that is readable; what others sealed becomes a placeholder, with a note."),
    "computer_screenshot": own("The output of a computer call: an image in a message of the user."),
}
