"""A pickle's structure without its meaning: what would be called, with what.

Reads the opcodes as `pickletools` names them, and calls nothing at all.
"""

import dataclasses
import pickletools


@dataclasses.dataclass
class Call:
    """What a pickle would have called.

    Attributes:
        function: Its name, such as "torch._utils._rebuild_tensor_v2".
        arguments: Structures.
        state: What the result would have been given, or `None`.
    """

    function: object
    arguments: tuple
    state: object = None


_MARK = object()


def read(file):
    """Returns the structure of the pickle that comes next in a file."""
    stack, memo = [], {}
    for opcode, argument, _ in pickletools.genops(file):
        _step(opcode.name, argument, stack, memo)
    return stack[-1]


def _step(name, argument, stack, memo):
    """Does what an opcode says, with symbols."""
    if name in ("PROTO", "FRAME", "STOP"):
        return
    if name == "MARK":
        stack.append(_MARK)
    elif "PUT" in name or name == "MEMOIZE":
        memo[len(memo) if name == "MEMOIZE" else argument] = stack[-1]
    elif "GET" in name:
        stack.append(memo[argument])
    elif name == "GLOBAL":
        stack.append(argument.replace(" ", "."))
    elif name == "STACK_GLOBAL":
        stack.append(".".join(_pop(stack, 2)))
    elif name in ("REDUCE", "NEWOBJ"):
        function, arguments = _pop(stack, 2)
        stack.append(Call(function, arguments))
    elif name == "BUILD":
        state = stack.pop()
        stack[-1].state = state
    elif name == "BINPERSID":
        stack.append(Call("persistent", stack.pop()))
    else:
        _collect(name, argument, stack)


def _collect(name, argument, stack):
    """Does what an opcode says about collections and constants."""
    if name.startswith("EMPTY_"):
        kinds = {"DICT": dict, "LIST": list, "TUPLE": tuple, "SET": set}
        stack.append(kinds[name[6:]]())
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        stack.append(tuple(_pop(stack, int(name[-1]))))
    elif name == "TUPLE":
        stack.append(tuple(_pop_to_mark(stack)))
    elif name in ("APPEND", "APPENDS"):
        items = [stack.pop()] if name == "APPEND" else _pop_to_mark(stack)
        stack[-1].extend(items)
    elif name in ("SETITEM", "SETITEMS"):
        items = _pop(stack, 2) if name == "SETITEM" else _pop_to_mark(stack)
        pairs = dict(zip(items[::2], items[1::2], strict=True))
        if isinstance(stack[-1], Call):  # an OrderedDict
            stack[-1].state = {**(stack[-1].state or {}), **pairs}
        else:
            stack[-1].update(pairs)
    elif name in ("NONE", "NEWTRUE", "NEWFALSE"):
        stack.append({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
    else:
        stack.append(argument)


def _pop(stack, count):
    """Takes the last items off a stack."""
    items = stack[-count:]
    del stack[-count:]
    return items


def _pop_to_mark(stack):
    """Takes what lies above the last mark, and the mark, off a stack."""
    items = []
    while (item := stack.pop()) is not _MARK:
        items.append(item)
    return items[::-1]
