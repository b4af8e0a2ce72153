"""Headers that kernels share: vectors, and XLA's interface and threads."""
