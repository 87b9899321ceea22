"""`python -m parley`: the same as the command `parley`."""

from parley.cli import app

if __name__ == "__main__":
    app(prog_name="parley")
