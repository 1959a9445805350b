"""The replaceable steps of the algorithm, one kind a file; the named reasoners are made of the same."""
