"""Every small fault that could be planted in a file: see mutation.py."""

import ast
import copy
import dataclasses

_COMPARISONS = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
}


@dataclasses.dataclass(frozen=True)
class Fault:
    """One change of one file.

    Attributes:
        path: Of the file, below the root.
        name: File, function, what stood there and what stands there now, and
            the line.
        text: The whole file with the fault.
    """

    path: str
    name: str
    text: str


def find(root, path):
    """Returns every fault of a file, in its order.

    What is only said is left out: docstrings, annotations, errors, logs.
    """
    source = (root / path).read_text(encoding="utf-8")
    found = []
    for node, where in _nodes(ast.parse(source), ""):
        for changed in _changes(node):
            new = ast.unparse(changed)
            old = " ".join(ast.get_source_segment(source, node).split())
            line = source.splitlines()[node.lineno - 1].strip()
            name = f"{path}:{where}: {old} -> {new}"
            name += "" if line == old else f", in: {line}"
            found.append(Fault(path, name, _replace(source, node, new)))
    return found


def _nodes(node, where):
    """Yields nodes in which there may be a fault, with their function."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST):
                continue
            if isinstance(child, ast.Raise | ast.JoinedStr | ast.Import):
                continue
            inner = where
            if isinstance(child, ast.FunctionDef | ast.ClassDef):
                inner = f"{where}.{child.name}".lstrip(".")
            yield child, inner
            yield from _nodes(child, inner)


def _changes(node):
    """Yields what a node may wrongly become."""
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield _with(node, ops=[_COMPARISONS[type(node.ops[0])]()])
    elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        is_text = any(
            isinstance(n, ast.Constant) and isinstance(n.value, str)
            for n in ast.walk(node)
        )
        if not is_text:
            yield _with(node, op=_OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield _with(node, op=other)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool):
            yield ast.Constant(not node.value)
        elif isinstance(node.value, int | float):
            yield ast.Constant(node.value + 1)
    elif isinstance(node, ast.AugAssign) or (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and "logging." not in ast.unparse(node.value.func)
    ):
        yield ast.Pass()


def _with(node, **fields):
    """Returns a copy of a node with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _replace(source, node, new):
    """Returns a source with a node's text replaced."""
    lines = source.encode().splitlines(keepends=True)
    before = b"".join(lines[: node.lineno - 1])
    before += lines[node.lineno - 1][: node.col_offset]
    after = lines[node.end_lineno - 1][node.end_col_offset :]
    after += b"".join(lines[node.end_lineno :])
    if not isinstance(node, ast.stmt):
        new = f"({new})"
    return (before + new.encode() + after).decode()
