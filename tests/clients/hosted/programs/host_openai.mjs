// Hosted tools in openai-node. Argument: the base URL.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 });
const dice = (approval) => ({ type: "mcp", server_label: "dice", require_approval: approval });
const common = { model: "m", tools: [dice("never"), { type: "web_search" }] };

const rolled = await client.responses.create({ ...common, input: "Roll." });
const streamed = await client.responses.stream({ ...common, input: "Roll." }).finalResponse();
const searched = await client.responses.create({ ...common, input: "Search." });
const asked = await client.responses.create({ model: "m", tools: [dice("always")], input: "Wipe." });
const request = asked.output.find((item) => item.type === "mcp_approval_request");
const answer = { type: "mcp_approval_response", approval_request_id: request.id, approve: true };
const approved = await client.responses.create({
  model: "m", tools: [dice("always")], previous_response_id: asked.id, input: [answer],
});
console.log(JSON.stringify({
  rolled: rolled.output_text, streamed: streamed.output_text, searched: searched.output_text,
  approved: approved.output_text,
}));
