"""Many workers, many strangers, many cancelled requests. ``--long`` runs far more of each."""
