"""What people and machines are told about the state of a knowledge base."""
