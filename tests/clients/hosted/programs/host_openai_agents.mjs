// Hosted tools in the OpenAI Agents SDK for JavaScript. Argument: the base URL.
import { Agent, hostedMcpTool, run, setDefaultOpenAIClient, setTracingDisabled, webSearchTool } from "@openai/agents";
import OpenAI from "openai";

setTracingDisabled(true);
setDefaultOpenAIClient(new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 }));
const agent = (options) => new Agent({
  name: "roller", model: "m",
  tools: [hostedMcpTool({ serverLabel: "dice", serverUrl: "adapter:", ...options }), webSearchTool()],
});
const never = agent({ requireApproval: "never" });

const rolled = await run(never, "Roll.");
const streamed = await run(never, "Roll.", { stream: true });
for await (const _ of streamed.toStream());
await streamed.completed;
const searched = await run(never, "Search.");
const approved = await run(agent({ requireApproval: "always", onApproval: async () => ({ approve: true }) }), "Wipe.");
console.log(JSON.stringify({
  rolled: rolled.finalOutput, streamed: streamed.finalOutput, searched: searched.finalOutput,
  approved: approved.finalOutput,
}));
