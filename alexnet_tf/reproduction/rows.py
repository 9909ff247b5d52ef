"""A table of experiments as data, and which run of it comes next."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Row:
    """One experiment of the table.

    Attributes:
        name: Of its files.
        claim: What of the paper it is held to, in words.
        config: A file of `configs/`.
        data: The folder of records within OUTPUT_DIR/data.
        priority: Lower ones come first. Rows of one priority take turns, seed
            by seed, so that comparisons are paired early.
        hours: Of one run, as reckoned before any was measured.
        changes: Fields of the config, with their values.
        seeds: A run for each.
        search: A field whose best value is looked for, one run a value; or
            nothing.
        values: Those of the search, ascending: a run that is worse than the
            best before it ends the search.
        measure: What the search makes least: "train" or "held_out" error at
            the end of a run. Never that of the validation images.
        takes: Name of a search; its field gets the best value found there.
        begins_with: Name of a row: a run gets its first weights from that
            row's run of the same seed, once it is done.
        averages: Name of a row: nothing is trained; when all its seeds are
            done, their predictions are averaged.
        crops: Views that the finished network is evaluated with.
    """

    name: str
    claim: str
    config: str
    data: str
    priority: int
    hours: float
    changes: dict = dataclasses.field(default_factory=dict)
    seeds: tuple[int, ...] = (0,)
    search: str = ""
    values: tuple = ()
    measure: str = "held_out"
    takes: str = ""
    begins_with: str = ""
    averages: str = ""
    crops: tuple[int, ...] = (1, 10)


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of a row.

    Attributes:
        name: Of its files.
        row: The `Row`.
        changes: Fields of the config, the seed and what was searched among
            them.
    """

    name: str
    row: Row
    changes: dict

    @property
    def seed(self):
        """The seed of the run."""
        return self.changes["training.seed"]


def runs_in_order(rows, results):
    """Returns the runs that can be named now, finished ones among them.

    Args:
        rows: `Row`s.
        results: Dict of the finished runs' results by name.

    Returns:
        A list of `Run`s in the order of their turns. A search shows its next
        value only, and rows that take from it come when it is over.
    """
    ordered = []
    searches = {row.name: row for row in rows if row.search}
    for place, row in enumerate(rows):
        if row.search:
            known = [(0, run) for run in _search_runs(row, results)]
        elif row.takes:
            search = searches[row.takes]
            best = best_value(search, results)
            found = {} if best is None else {search.search: best}
            known = enumerate(_seed_runs(row, found)) if found else ()
        else:
            known = enumerate(_seed_runs(row, {}))
        known = [
            (n, run) for n, run in known if needs(run, rows) <= set(results)
        ]
        ordered += [(row.priority, turn, place, run) for turn, run in known]
    return [run for *_, run in sorted(ordered, key=lambda found: found[:3])]


def needs(run, rows):
    """Returns the names of the runs that must be done before a run."""
    row = run.row
    if row.averages:
        (source,) = (each for each in rows if each.name == row.averages)
        return {_seed_name(source, seed) for seed in source.seeds}
    if row.begins_with:
        return {f"{row.begins_with}-seed{run.seed}"}
    return set()


def waiting_rows(rows, results):
    """Returns pairs of a row that shows no run yet and what it waits for."""
    shown = {run.row.name for run in runs_in_order(rows, results)}
    return [
        (row, row.averages or row.begins_with or row.takes)
        for row in rows
        if row.name not in shown
    ]


def named(table, names=()):
    """Returns the rows of these names, with the rows that they need.

    Args:
        table: `Row`s.
        names: Of rows; all, if there are none.

    Raises:
        ValueError: There is no such row.
    """
    known = {row.name: row for row in table}
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise ValueError(
            f"rows must be among {', '.join(known)}. "
            f"Received: {', '.join(unknown)}"
        )
    wanted, found = list(names or known), set()
    while wanted:
        row = known[wanted.pop()]
        found.add(row.name)
        wanted += filter(None, (row.takes, row.begins_with, row.averages))
    return tuple(row for row in table if row.name in found)


def best_value(row, results):
    """Returns the value that a search has found, or `None` before its end."""
    errors = _search_errors(row, results)
    is_over = len(errors) == len(row.values) or (
        len(errors) > 1 and errors[-1] > min(errors[:-1])
    )
    return row.values[errors.index(min(errors))] if is_over else None


def _seed_runs(row, found):
    """Returns the runs of a row that searches nothing."""
    return [
        Run(
            _seed_name(row, seed),
            row,
            {**row.changes, **found, "training.seed": seed},
        )
        for seed in row.seeds
    ]


def _search_runs(row, results):
    """Returns the finished runs of a search, and the next one."""
    count = len(_search_errors(row, results))
    if best_value(row, results) is None:
        count += 1
    return [
        Run(
            _search_name(row, value),
            row,
            {**row.changes, row.search: value, "training.seed": row.seeds[0]},
        )
        for value in row.values[:count]
    ]


def _search_errors(row, results):
    """Returns the errors of a search's first values, as far as it has come."""
    errors = []
    for value in row.values:
        result = results.get(_search_name(row, value))
        if result is None:
            break
        errors.append(result[f"{row.measure}_top1_error"])
    return errors


def _seed_name(row, seed):
    """Returns the name of a seed's run."""
    return f"{row.name}-seed{seed}"


def _search_name(row, value):
    """Returns the name of a search's run."""
    return f"{row.name}-{value:g}"
