"""The paper's tables with a small model: which arms, how they are run, what is read out of the files they leave."""
