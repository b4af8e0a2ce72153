"""`python -m accumbens` is `accumbens`."""

from .cli import main

main()
