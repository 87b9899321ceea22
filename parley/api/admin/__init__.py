"""The Administration API: a table of routes per concern."""
