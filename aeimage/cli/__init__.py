"""The command line. One file a command, thin: it parses, calls one function, prints.

argparse, not click or typer: it is there already, starts in a few milliseconds, and what a
framework would add is little here. What a command file holds, and how it is registered, stands in
`aeimage.cli.registry`.
"""
