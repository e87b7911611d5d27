"""Data and reward for training a policy that calls tools, in small."""
