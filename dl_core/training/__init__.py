"""Training one network: compiled segments over data in memory, interruptible at every segment."""
