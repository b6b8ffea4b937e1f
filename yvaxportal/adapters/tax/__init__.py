"""The tax register (税務システム), one module for each way to reach it."""
