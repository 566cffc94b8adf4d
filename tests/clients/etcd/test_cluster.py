"""`cargo xtask cluster --store etcd`: the example of three servers on one store."""

from stores.test_cluster import folder, test_three_servers_start_and_leave_nothing  # noqa: F401
