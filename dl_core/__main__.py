"""`python -m dl_core`."""

from dl_core.cli import main

if __name__ == "__main__":
    main()
