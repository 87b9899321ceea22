"""The evaluation of the built-in model: asks a running server over its API, judges by rules, and reports."""
