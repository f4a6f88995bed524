"""`python -m adapter`: the same as the command `responses-adapter`."""

from adapter.cli import main

main(prog_name="responses-adapter")
