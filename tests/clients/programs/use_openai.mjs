// A program of the openai package for Node: an answer, a streamed one, and one that takes a tool. Argument: the base URL.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 });
const tools = [{
  type: "function", name: "look", description: "Look at a place.", strict: true,
  parameters: { type: "object", properties: { at: { type: "string" } }, required: ["at"], additionalProperties: false },
}];

const text = await client.responses.create({ model: "m", input: "Hi", tools });
const pieces = [];
const stream = client.responses.stream({ model: "m", input: "Hi", tools });
stream.on("response.output_text.delta", (event) => pieces.push(event.delta));
await stream.finalResponse();
const first = await client.responses.create({ model: "m", input: "Look.", tools });
const outputs = first.output
  .filter((item) => item.type === "function_call")
  .map((call) => ({ type: "function_call_output", call_id: call.call_id, output: "blue" }));
const looked = await client.responses.create({ model: "m", input: outputs, tools, previous_response_id: first.id });
const again = await client.responses.create({ model: "m", input: "Hi", tools, previous_response_id: looked.id });
console.log(JSON.stringify([text.output_text, pieces, looked.output_text, again.output_text]));
