// A program of the openai package for Node, which does what `test_programs` tells of. Argument: the base URL.
import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

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
const Place = z.object({ name: z.string(), deep: z.boolean() });
const shaped = await client.responses.parse({ model: "m", input: "Where?", text: { format: zodTextFormat(Place, "place") } });
const content = [
  { type: "input_text", text: "What is this?" },
  { type: "input_image", image_url: "data:image/png;base64,iVBORw0KGgo=", detail: "auto" },
];
const seen = await client.responses.create({ model: "m", input: [{ role: "user", content }] });
console.log(JSON.stringify([text.output_text, pieces, looked.output_text, again.output_text, shaped.output_parsed, seen.output_text]));
