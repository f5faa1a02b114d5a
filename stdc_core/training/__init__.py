"""Training: data sets, augmentation, loop, schedules, evaluation (torch)."""
