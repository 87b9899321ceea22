// A stream that is lost after some pieces, and resumed: prints, as JSON, the texts of both parts and of a whole one.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const asked = {
  model: "gpt-4",
  messages: [{ role: "user", content: "Hello, who are you?" }],
  max_completion_tokens: 16,
  temperature: 0,
  stream: true,
};
const textOf = (chunk) => chunk.choices[0]?.delta?.content ?? "";

const read = async (stream, most = Infinity) => {
  const texts = [];
  for await (const chunk of stream) {
    texts.push(textOf(chunk));
    if (texts.length === most) break; // closes the connection
  }
  return texts;
};

const told = {};
for (const [name, headers] of [["plain", {}], ["numbered", { "x-parley-resumable": "true" }]]) {
  const whole = await read(await client.chat.completions.create(asked, { headers }));
  const { data, response } = await client.chat.completions.create(asked, { headers }).withResponse();
  const first = await read(data, 3);
  const last = `${response.headers.get("x-request-id")}/${first.length}`;
  const rest = await read(await client.chat.completions.create(asked, { headers: { ...headers, "Last-Event-ID": last } }));
  told[name] = { whole, first, rest };
}
console.log(JSON.stringify(told));
