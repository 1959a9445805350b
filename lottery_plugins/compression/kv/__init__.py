"""Methods that act on the KV cache, one a file, and their use in a transformers model's own cache.

Rated and dropped positions: `base` (what presses share), `h2o`, `key_norm`, `pyramid_kv`, `snapkv`, `streaming_llm`,
`tova`. Few bits: `kv_quant`. At work in a model: `press`, and what it stands on. Importing this package loads no torch.
"""
