"""How we ask: routing, opening, our HTTP client, providers."""
