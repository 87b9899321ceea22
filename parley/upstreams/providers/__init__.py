"""The dialects of upstreams: one module each, listed in PROVIDERS."""
