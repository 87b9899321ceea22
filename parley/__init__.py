"""Parley: your own GPT API. One server that speaks the OpenAI API, in front of any model."""

__version__ = "0.1.0"
