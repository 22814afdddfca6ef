"""Which construct of Rego a statement of a plan was made from, told by its shape.

The plan does not name `every`, a comprehension or the test of an expression; OPA's planner writes each in one form.
"""

from kubernaut.policy.plan import Statement


def is_truth_test(statement: Statement) -> bool:
    """Say whether it asks if the expression before holds; within iterations it has the iteration's place."""
    return statement.kind == "NotEqualStmt" and statement.fields["b"] == {"type": "bool", "value": False}


def ends_in_flag(statement: Statement) -> bool:
    """Say whether a block is the body of `every`: it ends by noting that it held; comprehensions end by collecting."""
    return bool(statement.blocks) and bool(statement.blocks[0]) and statement.blocks[0][-1].kind == "AssignVarStmt"


def is_every(scan: Statement) -> bool:
    """Say whether an iteration is that of `every`."""
    return (
        any(
            inner.kind == "BlockStmt" and inner.place is not None and ends_in_flag(inner)
            for block in scan.blocks
            for inner in block
        )
        and scan.blocks[0][-2].kind == "IsUndefinedStmt"
    )
