"""The `metrana` command.

Always Python; what the server program does is handed to it as it stands.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from metrana._version import __version__
from metrana.errors import MetranaError
from metrana.server import ServerError, become

_HELP = """\
usage: metrana <command> [options]

Log metrics of training runs and watch them in the browser.

commands:
  demo       train CartPole, here and now, and watch it on the dashboard
  server     run the server: storage, dashboard and API on one port
  ls         list workspaces, projects, runs, or the series of a run
  watch      show a run in the terminal while it is logged
  export     write the points of runs to a Parquet file
  archive    put a run, or all of a project, aside
  unarchive  take them back
  delete     delete a run or a project, and give the space back
  retain     delete runs that ended long ago
  backup     copy what a server has stored, also while it runs
  restore    make a data directory of a backup
  check      read a data directory whole and say what is wrong with it

options:
  -h, --help     show this help; `metrana <command> --help` for a command's
  --version      show the version

To begin:
  metrana server                 then open the address that it prints
  pip install 'metrana[demo]' && metrana demo
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    command, *rest = list(sys.argv[1:] if arguments is None else arguments) or ["--help"]
    if command in ("-h", "--help", "help"):
        print(_HELP, end="")
        return 0
    if command == "--version":
        print(f"metrana {__version__}")
        return 0
    run = _COMMANDS.get(command)
    if run is None:
        known = ", ".join(sorted(_COMMANDS))
        return _fail(f"there is no command {command!r}; known are {known}", code=2)
    try:
        return run(rest)
    except (ServerError, MetranaError) as error:
        return _fail(str(error))


def _server(arguments: list[str]) -> int:
    become(["serve", *arguments])


def _by_the_server(command: str) -> Callable[[list[str]], int]:
    def run(arguments: list[str]) -> int:
        become([command, *arguments])

    return run


def _ls(arguments: list[str]) -> int:
    from metrana import listing  # loads the engine

    return listing.ls(arguments)


def _export(arguments: list[str]) -> int:
    from metrana import export  # loads the engine, too

    return export.export(arguments)


def _watch(arguments: list[str]) -> int:
    from metrana import watch

    return watch.watch(arguments)


def _demo(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="metrana demo",
        description="Starts a server, trains a small policy on Gymnasium's CartPole-v1 until it "
        "balances, logs everything about it, and keeps serving the dashboard until Ctrl-C.",
    )
    parser.add_argument(
        "--once", action="store_true", help="end when all is delivered, without serving on"
    )
    parser.add_argument("--data-dir", metavar="DIR", help="where the server keeps its data")
    parser.add_argument("--listen", metavar="HOST:PORT", help="where the server listens")
    options = parser.parse_args(arguments)
    # Only here: the demo needs Gymnasium and the command line does not.
    from metrana.demo import command

    return command.run(once=options.once, data_dir=options.data_dir, listen=options.listen)


_COMMANDS: dict[str, Callable[[list[str]], int]] = {
    **{
        name: _by_the_server(name)
        for name in ("archive", "backup", "check", "delete", "restore", "retain", "unarchive")
    },
    "demo": _demo,
    "export": _export,
    "ls": _ls,
    "server": _server,
    "watch": _watch,
}


def _fail(text: str, code: int = 1) -> int:
    print(text if text.startswith("error") else f"error: {text}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
