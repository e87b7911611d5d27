"""Reward models, one file per family.

The file of a family defines how its prompt grows step by step (:class:`tts.protocols.RewardFormat`), how its weights
become a module, and how hidden states become scores. Engines find a family by name through :mod:`tts.registry`. No
engine imports a family, and no family an engine. The formats load neither torch nor transformers.
"""
