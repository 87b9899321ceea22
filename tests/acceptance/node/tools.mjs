// A tool run: the client calls our function as the model asks, and sends its result back in the next call.
// `required` makes the run independent of what the model likes to do; it ends after two calls.
import OpenAI from "openai";

const client = new OpenAI({ maxRetries: 0 });
const asked = [];
const runner = client.chat.completions.runTools(
  {
    model: "gpt-4",
    messages: [{ role: "user", content: "Switch the light in the hall on." }],
    max_completion_tokens: 200,
    tool_choice: "required",
    tools: [
      {
        type: "function",
        function: {
          name: "set_light",
          description: "Switches a light.",
          parameters: {
            type: "object",
            properties: { room: { enum: ["hall", "kitchen"] }, on: { type: "boolean" } },
            required: ["room", "on"],
            additionalProperties: false,
          },
          parse: JSON.parse,
          function: (input) => {
            asked.push(input);
            return JSON.stringify({ done: true });
          },
        },
      },
    ],
  },
  { maxChatCompletions: 2 },
);
await runner.done();
console.log(JSON.stringify({ asked, messages: runner.messages }));
