// fileSearch in the AI SDK, which validates what it gets. Arguments: the base URL, a vector store.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";

const openai = createOpenAI({ baseURL: process.argv[2], apiKey: "sk-test" });
const common = {
  model: openai.responses("m"), maxRetries: 0, prompt: "Leave?",
  tools: { file_search: openai.tools.fileSearch({ vectorStoreIds: [process.argv[3]] }) },
  providerOptions: { openai: { include: ["file_search_call.results"] } },
};
const whole = await generateText(common);
let streamed = "";
const sources = [];
let found;
for await (const part of streamText(common).fullStream) {
  if (part.type === "error") throw part.error;
  if (part.type === "text-delta") streamed += part.text;
  if (part.type === "source") sources.push(part.filename);
  if (part.type === "tool-result") found = part.output.results?.[0].filename;
}
if (streamed !== whole.text) throw new Error(streamed);
console.log(JSON.stringify({ text: whole.text, cited: sources[0], found }));
