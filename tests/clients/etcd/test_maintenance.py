"""Commands on a store in etcd."""

from stores.test_maintenance import (  # noqa: F401
    test_doctor_changes_nothing_where_no_store_is,
    test_doctor_checks_a_database_while_servers_use_it,
    test_root_is_recovered_beside_running_servers,
    test_the_master_key_is_replaced_beside_running_servers,
)
from stores.test_store_copy import (  # noqa: F401
    embedded,
    test_a_killed_copy_leaves_nothing_or_what_the_same_command_completes,
    test_a_store_moves_into_a_database_and_back,
)
