// Files, vector stores and file_search in openai-node. Arguments: the base URL, a vector store.
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "sk-test", maxRetries: 0 });
const file = await client.files.create({ file: await toFile(Buffer.from("Fish swim."), "fish.txt"), purpose: "assistants" });
const read = await (await client.files.content(file.id)).text();
const listed = (await client.files.list({ limit: 1 })).data[0].id === file.id;
const own = await client.vectorStores.create({ name: "own" });
const polled = await client.vectorStores.files.createAndPoll(own.id, { file_id: file.id }, { pollIntervalMs: 50 });
const batch = await client.vectorStores.fileBatches.uploadAndPoll(
  own.id, { files: [await toFile(Buffer.from("Birds fly."), "birds.txt")] }, { pollIntervalMs: 50 },
);
const hit = (await client.vectorStores.search(own.id, { query: "swim" })).data[0];
const deleted = (await client.files.delete(file.id)).deleted;
const answer = await client.responses.create({
  model: "m", input: "Leave?", tools: [{ type: "file_search", vector_store_ids: [process.argv[3]] }],
  include: ["file_search_call.results"],
});
const [cited] = answer.output.at(-1).content[0].annotations;
console.log(JSON.stringify({
  text: answer.output_text, cited: cited.filename, found: answer.output[0].results[0].filename,
  files: [read, listed, polled.status, batch.file_counts.completed, hit.filename, deleted],
}));
