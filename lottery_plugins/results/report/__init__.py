"""`lottery report`: one self-contained HTML page with verdicts, charts and every sample's steps."""
