"""What each command does, a module each. `parley.cli` loads only the one that was asked for."""
