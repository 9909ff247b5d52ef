"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

import os
import sys
import time

import tqdm

_SECONDS_BETWEEN_LINES = 10.0
_FORMAT = (
    "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} "
    "[{elapsed}<{remaining}, {rate_fmt}{postfix}]"
)
_LEAST_BAR = 10  # Columns that facts leave to the bar.


class Lines:
    """What log lines are written to: standard error, above the bar."""

    def write(self, text):
        """Clears the bar, writes whole lines, and draws the bar again."""
        with tqdm.tqdm.external_write_mode(file=sys.stderr):
            sys.stderr.write(text)

    def flush(self):
        """Sends on what is written."""
        sys.stderr.flush()

    def close(self):
        """Leaves standard error open, at the end of the program."""


class Progress:
    """Counts finished items on standard error.

        with Progress("convert", total=1300, unit="images") as progress:
            for image in images:
                progress.update(1)

    Args:
        description: What is being done, in a word or two.
        total: Items in all.
        unit: What an item is, in the plural.
        initial: Items finished by an earlier run.
    """

    def __init__(self, description, total, unit, initial=0):
        self.description = description
        self.total = total
        self.unit = unit
        self.done = initial
        self.initial = initial
        self.facts = ""
        self.started = self.last_line = time.monotonic()
        self.bar = None
        if sys.stderr.isatty():
            self.bar = tqdm.tqdm(
                total=total,
                initial=initial,
                desc=description,
                unit=f" {unit}",
                bar_format=_FORMAT,
                dynamic_ncols=True,
                smoothing=0.1,
            )

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close()

    def update(self, finished=1, facts=""):
        """Adds `finished` items and shows `facts`.

        Args:
            finished: How many.
            facts: Figures with commas between them, the foremost first: the
                bar shows as many as there is room for.
        """
        self.done += finished
        self.facts = facts or self.facts
        if self.bar is not None:
            self.bar.set_postfix_str(self._fitting_facts(), refresh=False)
            self.bar.update(finished)
            return
        if time.monotonic() - self.last_line >= _SECONDS_BETWEEN_LINES:
            self._print_line()

    def close(self):
        """Ends the bar, or prints the last line."""
        if self.bar is not None:
            self.bar.close()
        else:
            self._print_line()

    def _fitting_facts(self):
        """Returns the facts that fit next to a bar of some length."""
        shown = {
            **self.bar.format_dict,
            "bar_format": _FORMAT.replace("{bar}", ""),
            "ncols": None,
            "postfix": None,
        }
        room = os.get_terminal_size(sys.stderr.fileno()).columns - _LEAST_BAR
        room -= len(self.bar.format_meter(**shown))
        fitting = ""
        for fact in self.facts.split(", "):
            longer = f"{fitting}, {fact}" if fitting else fact
            if len(longer) + 2 > room:
                break
            fitting = longer
        return fitting

    def _print_line(self):
        """Prints how far the work is and how long the rest takes."""
        self.last_line = time.monotonic()
        seconds = max(self.last_line - self.started, 1e-9)
        rate = (self.done - self.initial) / seconds
        line = f"{self.description}: {self.done}/{self.total} {self.unit}"
        if rate > 0:
            left = (self.total - self.done) / rate
            line += f", {rate:.4g} {self.unit}/s"
            line += f", {format_seconds(left)} left" if left >= 1 else ""
        line += f", {self.facts}" if self.facts else ""
        print(line, file=sys.stderr, flush=True)


def format_seconds(seconds):
    """Returns a length of time as people write it, such as 2:05 or 1:00:00."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}"
