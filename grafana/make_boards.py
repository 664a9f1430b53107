"""Writes the boards of dashboards/ from what stands here. `python3 make_boards.py` after a change; the lint
tests/lint/boards.py says where the files differ from it."""

import pathlib

import board_container
import board_containers
import board_hosts
import board_weir
from board_parts import text_of

FOLDER = pathlib.Path(__file__).resolve().parent / "dashboards"


def boards():
    """File name -> text."""
    made = {"hosts": board_hosts.made(), "containers": board_containers.made(), "container": board_container.made(),
            "weir": board_weir.made()}
    return {f"{name}.json": text_of(board) for name, board in made.items()}


if __name__ == "__main__":
    for file_name, text in boards().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
