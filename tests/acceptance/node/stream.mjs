// A streamed chat: prints, as JSON, what the pieces add up to and how the answer ended.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const stream = await client.chat.completions.create({
  model: "gpt-4",
  messages: [{ role: "user", content: "Hello, who are you?" }],
  max_completion_tokens: 16,
  stream: true,
  stream_options: { include_usage: true },
});

const told = { text: "", pieces: 0, reason: null, usage: null };
for await (const chunk of stream) {
  const choice = chunk.choices[0];
  told.pieces += choice?.delta?.content ? 1 : 0;
  told.text += choice?.delta?.content ?? "";
  told.reason = choice?.finish_reason ?? told.reason;
  told.usage = chunk.usage ?? told.usage;
}
console.log(JSON.stringify(told));
