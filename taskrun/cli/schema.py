"""`taskrun schema`: the JSON Schema of sweep files, which editors check and complete by."""

from __future__ import annotations

import json
import sys

import click


@click.command("schema", short_help="Print the JSON Schema of sweep files, for editors.")
def command() -> None:
    """Print the JSON Schema of sweep files. An editor that knows YAML completes keys with it and marks mistakes while
    you type: save it, and begin the sweep file with "# yaml-language-server: $schema=sweep.schema.json".

    \b
        taskrun schema > sweep.schema.json
    """
    from taskrun.sweep.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n")
