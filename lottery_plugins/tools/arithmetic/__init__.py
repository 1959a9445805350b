"""Reading and computing one arithmetic expression exactly, without eval."""
