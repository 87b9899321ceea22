"""The embedded engine's dialect: llama.cpp's server, made to behave as OpenAI's API does.

asking: what we send for a chat. schemas, patterns: what its grammar can hold. forcing: a tool call that must happen.
capacity: what the loaded model has room for. control: control tokens in what people say. chunks: what comes back of a
chat. texts: the older completions. vectors: embeddings. provider: who ties them together.
"""
