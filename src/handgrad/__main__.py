"""`python -m handgrad`."""

from handgrad.cli import main

if __name__ == "__main__":
    main()
