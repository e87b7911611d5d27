"""Selection of a plan: features, profiles, the selector, the published rule, shared budgets."""
