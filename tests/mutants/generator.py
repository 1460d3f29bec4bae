"""Mutants that nobody wrote: small changes of the text, one at a time, at every place where one can be made.

Of the living libraries, mutmut (3.8) leaves every decorated function alone, which are most transitions, and
cosmic-ray (8.7) has nothing that drops an argument or a call, of which our guards are made. Both start pytest
and its servers in a way that the warm process here need not. So these few operators are our own.
"""

import ast
from itertools import accumulate
from typing import Final, NamedTuple

SWAPPED: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}
ASKING: Final = {"filter", "exclude", "update", "get", "get_or_create"}
"""Each keyword of these is a term of a WHERE or of a SET."""
NARROWING: Final = {
    *("filter", "exclude", "order_by", "unlocked", "locked", "select_for_update", "unreleased", "queued"),
    *("placed", "running", "stopping", "live", "on"),
}

Node = ast.expr | ast.stmt | ast.keyword


class Place(NamedTuple):
    """One change: where in the text, and what stands there then."""

    operator: str
    function: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def apply(self, text: str) -> str:
        """The text with this change."""
        return text[: self.start] + self.new + text[self.end :]

    @property
    def key(self) -> str:
        """Names it as long as its function does not change there."""
        old, new = (" ".join(piece.split()) for piece in (self.old, self.new))
        return f"{self.function}: {self.operator}: {old} → {new or 'nothing'}"


class Generator(ast.NodeVisitor):
    """Finds the places of one file."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts = [0, *accumulate(len(line) for line in text.splitlines(keepends=True))]
        self._lines = text.splitlines()
        self._within: list[str] = []
        self.places: list[Place] = []

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._within.append(node.name)
        self._returns(node)
        for statement in node.body:
            self.visit(statement)
        self._within.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._within.append(node.name)
        for statement in node.body:
            self.visit(statement)
        self._within.pop()

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            between = self._end(left), self._start(right)
            old = self._text[slice(*between)].strip(" \n()")
            if old in self._text[slice(*between)]:
                at = self._text.index(old, between[0])
                self._add("other comparison", node, at, at + len(old), SWAPPED[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        for index, operand in enumerate(node.values):
            start, end = self._start(operand), self._end(operand)
            if index:
                start = self._end(node.values[index - 1])
            else:
                end = self._start(node.values[1])
            if self._text[start:end].count("(") == self._text[start:end].count(")"):
                self._add("condition dropped", operand, start, end, "")
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not):
            self._add("not dropped", node, self._start(node), self._start(node.operand), "")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        start, end = self._start(node.test), self._end(node.test)
        for always in ("True", "False"):
            self._add("branch decided", node, start, end, always)
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call) and not ast.unparse(node.value).startswith("logger."):
            self._add("call dropped", node, self._start(node), self._end(node), "pass")
            self.visit(node.value)

    def visit_Call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in ASKING:
                for keyword in node.keywords:
                    self._drop_keyword(node, keyword)
            if node.func.attr in NARROWING:
                end = self._end(node)
                self._add("narrowing dropped", node, self._end(node.func.value), end, "")
        if not ast.unparse(node.func).startswith("logger."):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if type(node.value) is int and self._within:
            self._add("other number", node, self._start(node), self._end(node), str(node.value + 1))

    def _drop_keyword(self, call: ast.Call, keyword: ast.keyword) -> None:
        start, end = self._start(keyword), self._end(keyword)
        rest = self._text[end : self._end(call)]
        end += len(rest) - len(rest.removeprefix(",").lstrip())
        self._add("term dropped", keyword, start, end, "")

    def _returns(self, function: ast.FunctionDef) -> None:
        """A function that answers yes or no answers the other."""
        if not isinstance(function.returns, ast.Name) or function.returns.id != "bool":
            return
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None:
                start, end = self._start(node.value), self._end(node.value)
                self._add("other answer", node, start, end, f"not ({self._text[start:end]})")

    def _add(self, operator: str, node: Node, start: int, end: int, new: str) -> None:
        place = Place(operator, ".".join(self._within), node.lineno, start, end, self._text[start:end], new)
        try:
            ast.parse(place.apply(self._text))
        except SyntaxError:
            return
        self.places.append(place)

    def _start(self, node: Node) -> int:
        return self._offset(node.lineno, node.col_offset)

    def _end(self, node: Node) -> int:
        return self._offset(node.end_lineno or node.lineno, node.end_col_offset or 0)

    def _offset(self, line: int, column: int) -> int:
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)


def places(text: str) -> list[Place]:
    """Every place of a file, in the order of its lines; of two that make the same text, the first."""
    generator = Generator(text)
    generator.visit(ast.parse(text))
    unlike = {place.apply(text): place for place in reversed(generator.places)}
    return sorted(unlike.values(), key=lambda place: (place.line, place.start, place.operator))
