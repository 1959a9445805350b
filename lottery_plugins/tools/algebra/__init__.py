"""Reading algebra into a tree of our own, bounding its size, and handing it to sympy piece by piece; no eval."""
