"""The simulator: plays plans on recorded solutions without a model."""
