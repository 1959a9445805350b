"""The parts of `compression_table.py`: what is measured, one spec on the text, lm-eval's runs, the table."""
