"""The connectors: one file a platform, and the registry that says which kinds there are."""
