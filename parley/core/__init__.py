"""Values and tiny tools that every other part may use: call, events, money, catalog, reply, clock, tasks."""
