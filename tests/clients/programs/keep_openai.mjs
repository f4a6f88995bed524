// A program of the openai package for Node whose responses and conversations the service keeps (see `test_state`).
// Argument: the base URL.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 });

async function ended(id) {
  for (;;) {
    const response = await client.responses.retrieve(id);
    if (response.status !== "queued" && response.status !== "in_progress") return response;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const polled = await ended((await client.responses.create({ model: "m", input: "One", background: true })).id);

let id, last;
const pieces = [];
for await (const event of await client.responses.create({ model: "m", input: "Two", background: true, stream: true })) {
  if (event.type === "response.created") id = event.response.id;
  last = event.sequence_number;
  if (event.type === "response.output_text.delta") {
    pieces.push(event.delta);
    break; // the connection is lost
  }
}
let resumed;
for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: last })) {
  if (event.type === "response.output_text.delta") pieces.push(event.delta);
  if (event.type === "response.completed") resumed = event.response;
}

const endless = await client.responses.create({ model: "m", input: "Endless", background: true });
const cancelled = await client.responses.cancel(endless.id);

const conversation = await client.conversations.create({ items: [{ role: "user", content: "Three" }] });
await client.responses.create({ model: "m", input: "Four", conversation: conversation.id });
const kept = [];
for await (const item of client.conversations.items.list(conversation.id, { order: "asc", limit: 2 })) {
  kept.push(item.content[0].text);
}

const compacted = await client.responses.compact({ model: "m", input: [{ role: "user", content: "Five" }] });
const after = await client.responses.create({
  model: "m", input: [...compacted.output, { role: "user", content: "Six" }], store: false,
});
const counted = await client.responses.inputTokens.count({ model: "m", input: "Seven" });

console.log(JSON.stringify([
  polled.output_text, pieces.join(""), resumed.output_text ?? resumed.output[0].content[0].text, cancelled.status, kept,
  compacted.output.map((item) => item.type), after.output_text, counted.input_tokens > 0,
]));
