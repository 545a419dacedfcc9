"""Formulas of a problem's text: gates by name and written out, and the penalties of a loss."""

from __future__ import annotations

import ast
from collections.abc import Mapping

import numpy as np

from tests.gauntlet.oracle import Oracle


def gated(tree: ast.AST) -> ast.expr | None:
    """z, where a formula is ReLU of z: by its name, max(0, z), where(z > 0, z, 0) or z·(z > 0)."""
    match tree:
        case ast.Call(func=ast.Name(id="relu" | "ReLU"), args=[z]):
            return z
        case ast.Call(func=ast.Name(id="max" | "maximum"), args=[a, b]):
            return b if _is_zero(a) else a if _is_zero(b) else None
        case ast.Call(func=ast.Name(id="where"), args=[condition, z, zero]) if _is_zero(zero):
            return z if same(_positive(condition), z) else None
        case ast.BinOp(left=a, op=ast.Mult(), right=b):
            for condition, z in ((a, b), (b, a)):
                if same(_positive(condition), z):
                    return z
    return None


def _is_zero(tree: ast.AST) -> bool:
    return isinstance(tree, ast.Constant) and tree.value == 0


def _positive(tree: ast.expr) -> ast.expr | None:
    match tree:
        case ast.Compare(left=z, ops=[ast.Gt()], comparators=[zero]) if _is_zero(zero):
            return z
        case ast.Compare(left=zero, ops=[ast.Lt()], comparators=[z]) if _is_zero(zero):
            return z
    return None


def same(a: ast.expr | None, b: ast.expr) -> bool:
    return a is not None and ast.dump(a) == ast.dump(b)


def unpenalised(oracle: Oracle, trees: Mapping[str, ast.expr]) -> dict[str, ast.expr]:
    """The equations with the loss's terms that are made of parameters alone multiplied by 0."""
    found = dict(trees)

    def of(tree: ast.expr) -> ast.expr:
        if _of_parameters(tree, oracle):
            return ast.BinOp(ast.Constant(0.0), ast.Mult(), tree)
        match tree:
            case ast.BinOp(left=a, op=ast.Add() | ast.Sub() as op, right=b):
                return ast.BinOp(of(a), op, of(b))
            case ast.UnaryOp(op=op, operand=a):
                return ast.UnaryOp(op, of(a))
            case ast.BinOp(left=a, op=ast.Mult() as op, right=b) if _is_factor(a, oracle):
                return ast.BinOp(a, op, of(b))
            case ast.BinOp(left=a, op=ast.Mult() | ast.Div() as op, right=b) if _is_factor(
                b, oracle
            ):
                return ast.BinOp(of(a), op, b)
            case ast.Name(id=name) if name in found:
                found[name] = of(found[name])
        return tree

    found[oracle.loss] = of(found[oracle.loss])
    return found


def roots(tree: ast.AST, oracle: Oracle) -> set[str]:
    """What is given of all that a formula depends on."""
    names, found = list(_names(tree)), set()
    seen: set[str] = set()
    while names:
        name = names.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in oracle.uses:
            names += oracle.uses[name]
        else:
            found.add(name)
    return found


def _names(tree: ast.AST) -> set[str]:
    functions = {id(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    return {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and id(n) not in functions}


def _is_factor(tree: ast.expr, oracle: Oracle) -> bool:
    """Whether a formula is of numbers that every case has."""
    return all(n in oracle.data and _is_plain(n, oracle) for n in roots(tree, oracle))


def _is_plain(name: str, oracle: Oracle) -> bool:
    return name not in oracle.batched and not np.shape(oracle.data[name])


def _of_parameters(tree: ast.expr, oracle: Oracle) -> bool:
    found = roots(tree, oracle)
    return bool(found) and found <= set(oracle.parameters)
