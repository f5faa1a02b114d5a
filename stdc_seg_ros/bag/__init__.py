"""Bags of images: made of a folder of pictures, read, played."""
