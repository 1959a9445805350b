"""The border to lm-evaluation-harness: LotteryLM, automatic loading, and the files beside lm-eval's own."""
