"""The results room: reads the files that runs left, pairs them document by document, and gives the verdict."""
