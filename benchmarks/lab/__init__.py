"""Training of the built-in models: three tiny policies and a process reward model for word problems, on a CPU.

`python -m benchmarks.lab train` makes every model from scratch. The problems, their worked solutions and the step
labels come from one grammar, so every step of every solution can be checked.
"""
