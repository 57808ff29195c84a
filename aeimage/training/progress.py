"""Where a run stands: a bar with the time that is left on a terminal, else lines of text."""

import sys


class Progress:
    """Shows a run's progress.

    Args:
        report: function that takes a line of text.
        bar: whether to draw a bar on stderr; by default if that is a terminal.
    """

    def __init__(self, report=print, *, bar: bool | None = None) -> None:
        self._report = report
        self._wanted = sys.stderr.isatty() if bar is None else bar
        self._bar = None

    def start(self, step: int, steps: int) -> None:
        """Begin, or go on, at `step` of `steps`."""
        if self._wanted:
            from tqdm import tqdm

            self._bar = tqdm(
                initial=step, total=steps, unit="step", dynamic_ncols=True, file=sys.stderr
            )

    def advance(self) -> None:
        """A step is done."""
        if self._bar is not None:
            self._bar.update()

    def numbers(self, step: int, row: dict[str, str], seconds_left: float) -> None:
        """Show numbers of the training: in the bar, or as a line."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"loss={row['loss']}", refresh=False)
        else:
            text = " ".join(f"{k}={v}" for k, v in {"step": step, **row}.items())
            self._report(f"{text} left={seconds_left / 60:.0f}min")

    def line(self, text: str) -> None:
        """Show a line of text, above the bar where there is one."""
        if self._bar is None:
            self._report(text)
            return
        with self._bar.external_write_mode(file=sys.stderr):
            self._report(text)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
