"""What is compiled on this machine, and kept for the next process: C++ (`libraries`), and the
programs that JAX makes (`programs`). Both live in a `place` that nobody else can write to."""
