"""Write docs/api: the Python API from its docstrings, the HTTP API from the application (`make docs`)."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

import steelyard
from steelyard.infra.settings import Settings
from steelyard.server.app import create_app

TARGET = Path(__file__).resolve().parent.parent / "docs" / "api"


def main() -> None:
    """Rewrite both references."""
    TARGET.mkdir(parents=True, exist_ok=True)
    sections = [_section(name) for name in steelyard.__all__ if not name.startswith("_")]
    head = "# Python API\n\nWritten by `make docs` from the docstrings. `import steelyard as sy`.\n"
    (TARGET / "python.md").write_text("\n".join([head, *sections]))
    document = create_app(Settings()).openapi()
    (TARGET / "openapi.json").write_text(json.dumps(document, indent=1, sort_keys=True) + "\n")


def _section(name: str) -> str:
    thing = getattr(steelyard, name)
    text = f"## sy.{name}\n\n```\n{_signature(name, thing)}\n\n{inspect.getdoc(thing)}\n```\n"
    if inspect.isclass(thing):
        members = [
            f"- `{own}`: {_first_line(member)}" for own, member in vars(thing).items() if _is_public(own, member)
        ]
        text += "\n" + "\n".join(members) + "\n" if members else ""
    return text


def _signature(name: str, thing: object) -> str:
    signature = inspect.signature(thing) if callable(thing) else None
    if signature is None:
        return name
    arguments = ",\n    ".join(str(parameter) for parameter in signature.parameters.values())
    return f"{name}(\n    {arguments},\n)" if arguments else f"{name}()"


def _is_public(name: str, member: object) -> bool:
    return not name.startswith("_") and (inspect.isfunction(member) or isinstance(member, property | classmethod))


def _first_line(member: object) -> str:
    return (inspect.getdoc(member) or "").partition("\n")[0]


if __name__ == "__main__":
    main()
