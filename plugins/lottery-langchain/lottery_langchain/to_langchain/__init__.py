"""Ours, handed to LangChain: each module here needs langchain-core."""
