"""OpenAI's wire objects as typed structs; unknown fields are kept, not dropped."""
