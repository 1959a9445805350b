"""Backends: what answers requests. Each fills the contract of `protocols.backend`."""
