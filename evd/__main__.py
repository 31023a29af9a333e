"""`python -m evd`."""

from evd.cli import main

main()
