"""How the built-in model `parley-mini` is made; not part of the package `parley`."""
