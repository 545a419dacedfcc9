"""The fuzz: mutated problem files and answers through every command."""
