"""`python -m taskrun`: the same as the `taskrun` command."""

from taskrun.cli import main

main()
