"""``python -m genomark``: the command line where the script is not on the path."""

from genomark.cli import main

if __name__ == "__main__":
    main()
