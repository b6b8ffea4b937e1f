"""The resident register (住民基本台帳), one module for each way to reach it."""
