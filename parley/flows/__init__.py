"""The straight lines: the life of each kind of call. Nothing here knows HTTP."""
