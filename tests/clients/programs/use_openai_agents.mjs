// A program of @openai/agents, which does what `test_programs` tells of. Argument: the base URL.
import { Agent, run, setDefaultOpenAIClient, setTracingDisabled, tool } from "@openai/agents";
import OpenAI from "openai";
import { z } from "zod";

setTracingDisabled(true);
setDefaultOpenAIClient(new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 }));
const look = tool({
  name: "look", description: "Look at a place.", parameters: z.object({ at: z.string() }),
  execute: async ({ at }) => `${at} is blue`,
});
const agent = new Agent({ name: "looker", instructions: "Be brief.", model: "m", tools: [look] });

const text = await run(agent, "Hi");
const streamed = await run(agent, "Hi", { stream: true });
const pieces = [];
for await (const piece of streamed.toTextStream()) pieces.push(piece);
await streamed.completed;
const looked = await run(agent, "Look.");
const again = await run(agent, [...looked.history, { role: "user", content: "Hi" }]);
const Place = z.object({ name: z.string(), deep: z.boolean() });
const shaped = await run(new Agent({ name: "shaper", model: "m", outputType: Place }), "Where?");
const content = [
  { type: "input_text", text: "What is this?" },
  { type: "input_image", image: "data:image/png;base64,iVBORw0KGgo=" },
];
const seen = await run(agent, [{ role: "user", content }]);
console.log(JSON.stringify([text.finalOutput, pieces, looked.finalOutput, again.finalOutput, shaped.finalOutput, seen.finalOutput]));
