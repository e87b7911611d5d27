"""The laboratory: word problems, three tiny policies and a process reward model, all trained on a CPU.

`python -m benchmarks.lab train` makes every model again from nothing. The problems, their worked
solutions and the step labels come from one grammar, so every step of every solution can be checked.
"""
