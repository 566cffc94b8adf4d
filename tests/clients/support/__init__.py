"""What the tests share: the real server as a process, and the clients that people use."""
