"""Modules that are loaded at their first use: Alembic and asyncpg cost a quarter of a second and 25 MB.

It is the standard library's own recipe (`importlib.util.LazyLoader`). A module that is missing fails at once,
one that is broken at its first use.
"""

import importlib.util
import sys
from types import ModuleType


def later(name: str) -> ModuleType:
    """Return the module *name*; its code runs when an attribute is first asked for. Raises ImportError."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
