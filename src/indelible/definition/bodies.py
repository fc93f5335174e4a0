"""Checks of what a node does: what its kind refuses, and code that cannot be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from indelible.definition.kinds import kind_of
from indelible.definition.model import Bash, Body, Node, Script
from indelible.definition.places import Spot
from indelible.expressions import has_template

_TEMPLATE = re.compile(r"(?<!\$)\$\{\{.*?(?:\}\}|$)", re.DOTALL)
_DEFAULTS: Mapping[str, object] = {"with_": {}}
_WRITTEN: Mapping[str, str] = {"with_": "with"}


def check_body(node: Node, spot: Spot) -> None:
    """Complain about the body of ``node`` and about fields that its kind refuses."""
    kind = kind_of(node.body)
    for field, hint in kind.refuses.items():
        if getattr(node, field) != _DEFAULTS.get(field):
            key = _WRITTEN.get(field, field)
            message = f"`{key}` makes no sense on a {kind.name} node"
            spot.below(key).complain(message, hint=hint)
    if type(node.body) in _CHECKS:
        _CHECKS[type(node.body)](node.body, spot.below(kind.name))
    if node.cwd is not None and has_template(node.cwd):
        spot.below("cwd").complain("`cwd` takes no `${{ }}`", hint="Use `env`, and cd there.")


def _check_bash(body: Bash, spot: Spot) -> None:
    hint = 'Hand it over in the environment: env: {{VALUE: "{}"}}, and "$VALUE" in the command.'
    _refuse_template(body.command, spot, hint)


def _check_script(body: Script, spot: Spot) -> None:
    hint = 'Hand it over as a variable: with: {{value: "{}"}}, and value in the script.'
    if _refuse_template(body.source, spot, hint):
        return
    error = _syntax_error(body.source)
    if error is None:
        return
    line = getattr(error, "lineno", None) or 1
    before = sum(len(each) + 1 for each in body.source.split("\n")[: line - 1])
    problem = getattr(error, "msg", None) or str(error) or "nested too deeply"
    message = f"line {line} of the script is not Python: {problem}"
    spot.complain(message, offset=before + (getattr(error, "offset", 0) or 1) - 1)


def _refuse_template(text: str, spot: Spot, hint: str) -> bool:
    if not has_template(text):
        return False
    found = _TEMPLATE.search(text)
    written, offset = (found[0], found.start()) if found else ("${{ … }}", text.find("${{"))
    message = f"`{spot.path[-1]}` takes no `${{{{ }}}}`: data never becomes code"
    spot.complain(message, hint=hint.format(written), offset=max(offset, 0))
    return True


def _syntax_error(source: str) -> Exception | None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a strange escape is the author's business, not an error
        try:
            compile(source, "<script>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error
    return None


_CHECKS: Mapping[type[Body], Callable[[Any, Spot], None]] = {
    Bash: _check_bash,
    Script: _check_script,
}
