"""`python -m dl_core`."""

from dl_core.cli import app

if __name__ == "__main__":
    app(prog_name="python -m dl_core")
