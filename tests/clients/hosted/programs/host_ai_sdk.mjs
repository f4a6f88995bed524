// Hosted tools in the AI SDK, which validates what it gets. Argument: the base URL.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText, tool } from "ai";
import { z } from "zod";

const openai = createOpenAI({ baseURL: process.argv[2], apiKey: "sk-test" });
const tools = (approval) => ({
  mcp: openai.tools.mcp({ serverLabel: "dice", serverUrl: "adapter:", requireApproval: approval }),
  web_search: openai.tools.webSearch({}),
});
const common = { model: openai.responses("m"), tools: tools("never"), maxRetries: 0 };

const rolled = await generateText({ ...common, prompt: "Roll." });
let streamed = "";
for await (const part of streamText({ ...common, prompt: "Roll." }).fullStream) {
  if (part.type === "error") throw part.error;
  if (part.type === "text-delta") streamed += part.text;
}
const searched = await generateText({ ...common, prompt: "Search." });
const always = { ...common, tools: tools("always") };
const question = { role: "user", content: "Wipe." };
const asked = await generateText({ ...always, messages: [question] });
const request = asked.content.find((part) => part.type === "tool-approval-request");
const answer = { type: "tool-approval-response", approvalId: request.approvalId, approved: true, providerExecuted: true };
const approved = await generateText({
  ...always, messages: [question, ...asked.response.messages, { role: "tool", content: [answer] }],
});
const weather = tool({
  description: "Weather", inputSchema: z.object({}), providerOptions: { openai: { deferLoading: true } },
});
const found = await generateText({
  ...common, tools: { toolSearch: openai.tools.toolSearch(), weather }, prompt: "Find.",
});
console.log(JSON.stringify({
  rolled: rolled.text, streamed, searched: searched.text, approved: approved.text, found: found.text,
}));
