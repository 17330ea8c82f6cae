"""VideoChat-TPO: the paper's first system (arXiv 2412.19326), under the names of its published checkpoint."""
