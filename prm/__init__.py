"""Reward-model families, one file each: how the prompt is written, where a step's score is read, how weights load."""
