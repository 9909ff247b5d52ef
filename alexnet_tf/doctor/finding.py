"""One line of what the doctor has found."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Finding:
    """What was looked at, and whether it will do.

    Attributes:
        name: Such as "Python".
        words: What was found.
        remedy: What to do; empty where nothing is to be done.
        is_needed: Whether nothing works before the remedy. Otherwise the
            remedy is for those who want it.
    """

    name: str
    words: str
    remedy: str = ""
    is_needed: bool = False

    def __str__(self):
        mark = "good"
        if self.remedy:
            mark = "BAD " if self.is_needed else "note"
        line = f"{mark}  {self.name:11}  {self.words}"
        return f"{line}\n{'':19}{self.remedy}" if self.remedy else line
