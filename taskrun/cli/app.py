"""The `taskrun` command and its subcommands, each loaded only when it is asked for."""

from __future__ import annotations

from importlib import import_module

import click

from taskrun import __version__
from taskrun.errors import did_you_mean

# command -> (module below this package, its one-line help: shown without loading the module)
COMMANDS = {
    "run": ("run", "Run a sweep file's tasks, or what is left of them."),
    "each": ("each", "Run a command for each combination of values, without a file."),
    "status": ("status", "Show what is done, what runs, what failed and why."),
    "why": ("why", "Say why a task would run, or for what it waits."),
    "logs": ("logs", "Print what a task wrote, also while it runs."),
    "list": ("listing", "List the tasks of a sweep file with their commands."),
    "points": ("points", "Print the points of the sweep, one a line."),
    "check": ("check", "Report every mistake in a sweep file; run nothing."),
    "reset": ("reset", "Let tasks be as if they had never run."),
    "mark-done": ("mark_done", "Accept results that exist as made."),
    "clean": ("clean", "Delete outputs, logs, or what the sweep has no more."),
    "init": ("init", "Write a sweep file to begin with."),
    "schema": ("schema", "Print the JSON Schema of sweep files, for editors."),
    "completion": ("completion", "Print a script that makes a shell complete taskrun's words."),
}


class _Group(click.Group):
    """Commands by name, imported late: `taskrun --version` loads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"taskrun.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args and not ctx.resilient_parsing:
            click.echo(self.get_help(ctx), err=True)
            ctx.exit(2)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            hint = did_you_mean(name, COMMANDS)
            if not hint and name.endswith((".yaml", ".yml")):
                from taskrun.shell import quote_visible

                hint = f"did you mean `taskrun run {quote_visible(name)}`?"
            raise click.UsageError(f"there is no command {name!r}" + (f"; {hint}" if hint else ""), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=_Group,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="Run many shell commands as a graph: every core busy, nothing lost, nothing run twice.",
)
@click.version_option(__version__, message="taskrun %(version)s")
def app() -> None:
    """The group itself does nothing."""
