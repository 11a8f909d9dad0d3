"""`taskrun completion`: what makes a shell complete commands, options, files, steps, tasks and values."""

from __future__ import annotations

import sys

import click

from taskrun.cli.completing.scripts import SCRIPTS


@click.command("completion", short_help="Print a script that makes a shell complete taskrun's words.")
@click.argument("shell", type=click.Choice(list(SCRIPTS)), metavar="SHELL")
def command(shell: str) -> None:
    """Print the completion script for SHELL. It completes commands, options, files, steps, tasks and values.

    \b
    For this session:
      bash   eval "$(taskrun completion bash)"
      zsh    eval "$(taskrun completion zsh)"         (after compinit)
      fish   taskrun completion fish | source
    For good:
      bash   the line above in ~/.bashrc; or, where bash-completion is installed:
             taskrun completion bash > ~/.local/share/bash-completion/completions/taskrun
      zsh    the line above in ~/.zshrc; or, in a directory of $fpath:
             taskrun completion zsh > ~/.zfunc/_taskrun
      fish   taskrun completion fish > ~/.config/fish/completions/taskrun.fish
    """
    sys.stdout.write(SCRIPTS[shell])
