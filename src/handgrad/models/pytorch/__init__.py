"""Models of PyTorch: exported by `torch.export`, each operation of ATen written in the operations of the table."""
