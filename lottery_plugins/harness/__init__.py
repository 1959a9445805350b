"""The lm-eval border: the model that lm-eval calls, and how stock lm-eval finds it."""
