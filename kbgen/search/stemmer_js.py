"""The Snowball stemmers as JavaScript, made from their Python form.

``snowballstemmer`` ships each algorithm as generated Python of a tiny, regular subset (assignments, calls, loops,
labels raised as exceptions). That subset is translated here node by node, for every language the package has; there
is no second copy to fall behind. A construct outside the subset is an error, never a guess. At build time the same
algorithms stem in C (``PyStemmer``, of the same version, thirty times as fast); ``tests/search/test_stemmer_js.py``
compares all three, word for word.

Not here: what is stemmed and when (``analysis``), where the file goes (``index``).
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.metadata
import importlib.util
import json
from pathlib import Path

from kbgen.errors import ConfigError

LICENCE_NAME = "snowball-licence.txt"
_LICENCE = Path(__file__).with_name("data") / LICENCE_NAME
_RUNTIME = Path(__file__).with_name("data") / "snowball-runtime.js"
_COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "===",
    ast.NotEq: "!==",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_ARITHMETIC: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-"}


@functools.cache
def stemmer_module(algorithm: str) -> str:
    """An ES module whose default export stems one word.

    Args:
        algorithm: Snowball's name, such as ``english``.

    Raises:
        ConfigError: the package has no such algorithm, or its Python uses an unknown construct.
    """
    spec = importlib.util.find_spec(f"snowballstemmer.{algorithm}_stemmer")
    if spec is None or spec.origin is None:
        raise ConfigError(f"snowballstemmer has no algorithm {algorithm!r}; install snowballstemmer 3.1")
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.bases]
    labels = {n.name for n in tree.body if isinstance(n, ast.ClassDef)}
    if not classes:
        raise ConfigError(f"{spec.origin}: no stemmer class; install snowballstemmer 3.1")
    body = _Translator(classes[0].name, labels, spec.origin).stemmer_class(classes[0])
    version = importlib.metadata.version("snowballstemmer")
    head = f"/*! Snowball {version}, {algorithm}: snowballstem.org, BSD-3-Clause, see ../{LICENCE_NAME} */\n"
    return f"{head}{_RUNTIME.read_text(encoding='utf-8')}{body}const s=new S();export default w=>s.stem(w);\n"


def stemmer_licence() -> bytes:
    """The notice that has to lie beside every copy of a stemmer, as ``LICENCE_NAME``."""
    return _LICENCE.read_bytes()


class _Translator:
    """One generated class to JavaScript; ``name`` is the class's Python name."""

    def __init__(self, name: str, labels: set[str], origin: str) -> None:
        self.name = name
        self.labels = labels
        self.origin = origin

    def stemmer_class(self, node: ast.ClassDef) -> str:
        """The class itself, then its constants and variables."""
        methods: list[str] = []
        constants: list[str] = []
        for child in node.body:
            if isinstance(child, ast.FunctionDef):
                local = sorted(
                    {n.id for n in ast.walk(child) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
                )
                declared = f"let {','.join(local)};" if local else ""
                methods.append(f"{self._plain(child.name)}(){{{declared}{self.block(child.body)}}}")
            elif isinstance(child, ast.Assign) and isinstance(child.targets[0], ast.Name):
                target = f"S.{child.targets[0].id}" if self._shared(child) else f"S.prototype.{child.targets[0].id}"
                constants.append(f"{target}={self.value(child.value)};")
            elif not isinstance(child, ast.Expr):
                raise self._unknown(child)
        return f"class S extends Base{{{chr(10).join(methods)}}}\n" + "\n".join(constants) + "\n"

    @staticmethod
    def _shared(node: ast.Assign) -> bool:
        """Groupings and tables belong to the class; integers, booleans and strings to the object."""
        target = node.targets[0]
        return isinstance(target, ast.Name) and not target.id.startswith(("I_", "B_", "S_"))

    @staticmethod
    def _plain(name: str) -> str:
        return "run" if name == "_stem" else name.removeprefix("__")

    def _unknown(self, node: ast.AST) -> ConfigError:
        line = getattr(node, "lineno", 0)
        kind = type(node).__name__
        return ConfigError(f"{self.origin}:{line}: no JavaScript for this {kind}; install snowballstemmer 3.1")

    def block(self, body: list[ast.stmt]) -> str:
        """Statements, one after the other."""
        return "".join(self.statement(node) for node in body)

    def statement(self, node: ast.stmt) -> str:
        """One statement with its semicolon or braces."""
        text = self._simple(node) or self._compound(node)
        if text is None:
            raise self._unknown(node)
        return text

    def _simple(self, node: ast.stmt) -> str | None:
        text: str | None = None
        match node:
            case ast.Assign(targets=[target], value=value):
                text = f"{self.value(target)}={self.value(value)};"
            case ast.AugAssign(target=target, op=op, value=value):
                text = f"{self.value(target)}{_ARITHMETIC[type(op)]}={self.value(value)};"
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                text = ";"
            case ast.Expr(value=value):
                text = f"{self.value(value)};"
            case ast.Return(value=ast.expr() as value):
                text = f"return {self.value(value)};"
            case ast.Break() | ast.Continue():
                text = f"{type(node).__name__.lower()};"
            case ast.Raise(exc=ast.Call(func=ast.Name(id=label))) if label in self.labels:
                text = f"break {label};"
        return text

    def _compound(self, node: ast.stmt) -> str | None:
        text: str | None = None
        match node:
            case ast.If(test=test, body=body, orelse=orelse):
                otherwise = f"else{{{self.block(orelse)}}}" if orelse else ""
                text = f"if({self.value(test)}){{{self.block(body)}}}{otherwise}"
            case ast.While(test=test, body=body, orelse=[]):
                text = f"while({self.value(test)}){{{self.block(body)}}}"
            case ast.For(target=ast.Name(id=name), iter=turns, body=body, orelse=[]):
                text = f"for({name} of {self.value(turns)}){{{self.block(body)}}}"
            case ast.Try(body=body, handlers=[ast.ExceptHandler(type=ast.Name(id=label), body=[ast.Pass()])]):
                # try: ... raise lab0() ... except lab0: pass is a labelled block left early.
                text = f"{label}:{{{self.block(body)}}}"
        return text

    def value(self, node: ast.expr) -> str:
        """One expression."""
        text = self._operand(node) or self._operation(node) or self._collection(node)
        if text is None:
            raise self._unknown(node)
        return text

    def _operand(self, node: ast.expr) -> str | None:
        text: str | None = None
        match node:
            case ast.Constant(value=bool() | int() | str() | None as constant):
                text = json.dumps(constant, ensure_ascii=False)
            case ast.Name(id=name):
                text = {self.name: "S", "self": "this"}.get(name, name)
            case ast.Attribute(value=owner, attr=attr):
                text = f"{self.value(owner)}.{self._plain(attr)}"
            case ast.Subscript(value=owner, slice=ast.expr() as index):
                text = f"{self.value(owner)}[{self.value(index)}]"
        return text

    def _operation(self, node: ast.expr) -> str | None:
        text: str | None = None
        match node:
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                text = f"!({self.value(operand)})"
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                text = f"-{self.value(operand)}"
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                text = f"({self.value(left)}{_ARITHMETIC[type(op)]}{self.value(right)})"
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARE:
                text = f"{self.value(left)}{_COMPARE[type(op)]}{self.value(right)}"
            case ast.BoolOp(op=ast.Or(), values=values):
                text = "(" + "||".join(self.value(v) for v in values) + ")"
        return text

    def _collection(self, node: ast.expr) -> str | None:
        """Groupings become strings, tables arrays of arrays, calls calls."""
        text: str | None = None
        match node:
            case ast.Set():
                letters = sorted(str(letter) for letter in ast.literal_eval(node))
                text = json.dumps("".join(letters), ensure_ascii=False)
            case ast.List(elts=elts) | ast.Tuple(elts=elts):
                text = "[" + ",".join(self.value(e) for e in elts) + "]"
            case ast.Call(func=ast.Name(id="Among"), args=args):
                text = "[" + ",".join(self._among(a) for a in args) + "]"
            case ast.Call(func=ast.Name(id="len"), args=[arg]):
                text = f"{self.value(arg)}.length"
            case ast.Call(func=ast.Attribute() as func, args=args):
                text = f"{self.value(func)}(" + ",".join(self.value(a) for a in args) + ")"
        return text

    def _among(self, node: ast.expr) -> str:
        """An argument of a table row; a condition is a method, reached through the prototype."""
        if isinstance(node, ast.Attribute | ast.Name):
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            return f"S.prototype.{self._plain(name)}"
        return self.value(node)
