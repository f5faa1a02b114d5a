"""What keeps images from arriving on this machine, measured, and the fix."""
