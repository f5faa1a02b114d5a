"""The ROS 2 side of the package: messages in, engine, messages out."""
