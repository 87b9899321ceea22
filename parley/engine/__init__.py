"""The embedded llama.cpp engine: a supervised child process that speaks the OpenAI API."""
