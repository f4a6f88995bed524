// A program of the AI SDK, which does what `test_programs` tells of. Argument: the base URL.
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, Output, isStepCount, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const model = createOpenAI({ baseURL: process.argv[2], apiKey: "sk-test" }).responses("m");
const look = tool({
  description: "Look at a place.", inputSchema: z.object({ at: z.string() }), execute: async ({ at }) => `${at} is blue`,
});
const common = { model, tools: { look }, stopWhen: (isStepCount ?? stepCountIs)(3), maxRetries: 0 };

const text = await generateText({ ...common, prompt: "Hi" });
const pieces = [];
for await (const piece of streamText({ ...common, prompt: "Hi" }).textStream) pieces.push(piece);
const question = { role: "user", content: "Look." };
const looked = await generateText({ ...common, messages: [question] });
const again = await generateText({
  ...common, messages: [question, ...looked.response.messages, { role: "user", content: "Hi" }],
});
const Place = z.object({ name: z.string(), deep: z.boolean() });
const shaped = await generateText({ model, prompt: "Where?", output: Output.object({ schema: Place }), maxRetries: 0 });
const content = [
  { type: "text", text: "What is this?" },
  { type: "image", image: "data:image/png;base64,iVBORw0KGgo=", mediaType: "image/png" },
];
const seen = await generateText({ ...common, messages: [{ role: "user", content }] });
console.log(JSON.stringify([text.text, pieces, looked.text, again.text, shaped.output, seen.text]));
