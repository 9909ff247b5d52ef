"""What this process may use of its machine: cores and memory."""

import os
import pathlib

_CGROUPS = pathlib.Path("/sys/fs/cgroup")


def count_cores():
    """Returns the cores that this process may run on, as `taskset` says."""
    return len(os.sched_getaffinity(0))


def free_memory_bytes():
    """Returns the memory that could be used without swapping.

    The least of what the machine has and what each control group of this
    process, such as a container's, has left below its limit.
    """
    return min([_free_of_machine(), *_free_of_groups()])


def _free_of_machine():
    with open("/proc/meminfo", encoding="ascii") as file:
        for line in file:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _free_of_groups(groups="/proc/self/cgroup", root=_CGROUPS):
    """Yields what is left below the limit of each group with one."""
    try:
        lines = pathlib.Path(groups).read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            names = ("memory.max", "memory.current", "inactive_file")
            yield from _free_below(root, path, names)
        elif "memory" in controllers.split(","):
            names = (
                "memory.limit_in_bytes",
                "memory.usage_in_bytes",
                "total_inactive_file",
            )
            yield from _free_below(root / "memory", path, names)


def _free_below(root, path, names):
    """Yields limit less use of a group and of those above it."""
    limit_name, usage_name, reclaimable = names
    group = root / path.lstrip("/")
    # Within a container the group is at the root, whatever its path says.
    for folder in {group, *group.parents, root}:
        if folder != root and root not in folder.parents:
            continue
        try:
            limit = int((folder / limit_name).read_text())
            usage = int((folder / usage_name).read_text())
            counts = (folder / "memory.stat").read_text().split()
        except (OSError, ValueError):
            continue  # No such group, or "max": no limit.
        pairs = dict(zip(counts[::2], counts[1::2], strict=True))
        # Files that were read are given back when memory is short.
        yield max(limit - usage + int(pairs.get(reclaimable, 0)), 0)
