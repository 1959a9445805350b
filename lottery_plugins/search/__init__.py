"""The search for the cheapest ticket that is not inferior to the original, with one verdict on held-out documents."""
