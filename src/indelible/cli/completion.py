"""``indelible completion``: what a shell needs to complete our words."""

from __future__ import annotations

import click

from indelible.cli.options import verb
from indelible.cli.streams import put, put_json, say

EXAMPLES = """
eval "$(indelible completion bash)"                                  # in ~/.bashrc
eval "$(indelible completion zsh)"                                   # in ~/.zshrc
indelible completion fish > ~/.config/fish/completions/indelible.fish
"""

VARIABLE = "_INDELIBLE_COMPLETE"


@verb("completion", EXAMPLES)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def command(shell: str, store: str | None, as_json: bool) -> int:
    """Print the completion script of a shell.

    It completes commands, options and run ids.
    """
    import sys

    from click.shell_completion import get_completion_class

    from indelible.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None  # the choice above has only shells that click knows
    made = kind(cli, {}, "indelible", VARIABLE)
    # Not made.source(): for bash it starts one to ask for its version.
    script = made.source_template % made.source_vars()
    if as_json:
        put_json({"shell": shell, "script": script})
        return 0
    put(script)
    if sys.stdout.isatty():
        say(f'# To use it: eval "$(indelible completion {shell})"')
    return 0
