"""Finding the command, and what all commands share when things go wrong."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import inspect
import os
import signal
import sys
from collections.abc import Sequence
from typing import NoReturn

from aeimage.cli.output import print_error
from aeimage.cli.registry import COMMANDS, load_command

OK, FAILED, USAGE = 0, 1, 2
INTERRUPTED, PIPE_CLOSED, TERMINATED = 130, 141, 143  # as shells report these signals

_EPILOG = """\
exit codes: 0 all went well, 1 a file failed, 2 the command line makes no sense

`aeimage COMMAND --help` tells more and gives examples that work.
"""


class Parser(argparse.ArgumentParser):
    """An argparse parser whose errors look like all others."""

    def error(self, message: str) -> NoReturn:
        """Print one line and leave with exit code 2."""
        print_error(f"{message}. See `{self.prog} --help`.")
        raise SystemExit(USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line.

    Args:
        argv: the arguments without the program's name; by default the process's.

    Returns:
        the exit code.
    """
    argv = sys.argv[1:] if argv is None else list(argv)
    try:
        try:
            code = _run(argv)
        except SystemExit as error:  # from argparse, for --help and for errors
            code = error.code if isinstance(error.code, int) else USAGE
        sys.stdout.flush()  # here, where a closed pipe is still handled
        return code
    except KeyboardInterrupt:
        print_error("Interrupted; whatever was finished stays.")
        return INTERRUPTED
    except BrokenPipeError:
        _drop_stdout()  # whoever read our output has seen enough
        return PIPE_CLOSED
    except Exception as error:
        return _failed(error)


def _run(argv: list[str]) -> int:
    if not argv or argv[0].startswith("-") or argv[0] not in COMMANDS:
        return _top_level(argv)
    command = load_command(argv[0])
    parser = command_parser(argv[0])
    args = parser.parse_args(argv[1:])
    if hasattr(signal, "SIGTERM") and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        _end_tidily_on_sigterm()
    return command.run(args)


def command_parser(name: str) -> Parser:
    """The parser of the command called `name`."""
    command = load_command(name)
    examples = "\n".join(f"  {line}" for line in command.EXAMPLES)
    parser = Parser(
        prog=f"aeimage {name}",
        description=inspect.cleandoc(command.__doc__ or ""),
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,  # an abbreviation that works today may be ambiguous tomorrow
    )
    command.add_arguments(parser)
    return parser


def _top_level(argv: list[str]) -> int:
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:<{width}}  {text}" for name, text in COMMANDS.items())
    parser = Parser(
        prog="aeimage",
        usage="aeimage COMMAND ...",
        description="Photographs to small files and back; scans and photographs cleaned.\n\n"
        f"commands:\n{commands}",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    if not argv:
        parser.print_help(sys.stderr)
        return USAGE
    if not argv[0].startswith("-"):
        near = difflib.get_close_matches(argv[0], COMMANDS, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(COMMANDS)}"
        parser.error(f"there is no command {argv[0]!r}; {hint}")
    parser.parse_args(argv)
    return USAGE  # not reached: every option ends the program, and others are errors


class _Version(argparse.Action):
    """Looks the version up only when it is asked for."""

    def __call__(self, *args: object) -> NoReturn:
        import aeimage

        print(f"aeimage {aeimage.__version__}")
        raise SystemExit(OK)


def _end_tidily_on_sigterm() -> None:
    """Let SIGTERM unwind the stack, so that temporary files are removed."""

    def stop(signum: int, frame: object) -> None:
        raise SystemExit(TERMINATED)

    # It fails outside the main thread, where someone calls `main` from a program of their own.
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGTERM, stop)


def _drop_stdout() -> None:
    """Keep Python from trying once more, at its end, to write what could not be written."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _failed(error: Exception) -> int:
    from aeimage.apps.report import debugging, describe
    from aeimage.errors import UsageError

    if debugging():
        raise error
    print_error(describe(error))
    _drop_stdout()
    return USAGE if isinstance(error, UsageError) else FAILED


if __name__ == "__main__":
    sys.exit(main())
