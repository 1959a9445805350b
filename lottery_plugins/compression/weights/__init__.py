"""Methods that act on weights, and what they share."""
