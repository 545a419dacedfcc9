"""The gauntlet: realistic problems of many families, through every command, before three judges."""
