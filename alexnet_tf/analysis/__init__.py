"""What a trained network has learned: features, kernels and figures (§6)."""
