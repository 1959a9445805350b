"""What answers a program: a forward chainer for rules, z3 for constraints and first-order formulas."""
