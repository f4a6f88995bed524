// A program of @openai/agents: an answer, a streamed one, and one that takes a tool. Argument: the base URL.
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
console.log(JSON.stringify([text.finalOutput, pieces, looked.finalOutput, again.finalOutput]));
