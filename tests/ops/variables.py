"""The table of the roles' variables, made from their argument specs.

python -m tests.ops.variables        # write it anew into ansible/README.md
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

ANSIBLE: Final = Path(__file__).parents[2] / "ansible"
README: Final = ANSIBLE / "README.md"
BEGIN: Final = "## Variables\n\n"
END: Final = "## Decisions\n"


def table() -> str:
    """Return a section a role: what it is for, and its variables."""
    return "".join(_role(file) for file in sorted(ANSIBLE.glob("roles/*/meta/argument_specs.yml")))


def written() -> str:
    """Return what stands in the README."""
    return README.read_text().partition(BEGIN)[2].partition(END)[0]


def _role(file: Path) -> str:
    spec = yaml.safe_load(file.read_text())["argument_specs"]["main"]
    lines = [f"### {file.parents[1].name}", "", f"{spec['short_description']}.", ""]
    if spec["options"]:
        lines += ["| variable | kind | without it | |", "|---|---|---|---|"]
        lines += _rows(spec["options"], "")
        lines.append("")
    return "\n".join(lines) + "\n"


def _rows(options: Mapping[str, Any], above: str) -> Iterator[str]:
    for name, each in options.items():
        kind = f"{each['type']} of {each['elements']}" if "elements" in each else each["type"]
        if "choices" in each:
            kind = " / ".join(each["choices"])
        default = "*needed*" if each.get("required") else f"`{each.get('default')!r}`"
        what = " ".join(each["description"].split())
        yield f"| `{above}{name}` | {kind} | {default} | {what} |"
        yield from _rows(each.get("options", {}), f"{above}{name}.")


def main() -> None:
    """Write the table."""
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(before + BEGIN + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
