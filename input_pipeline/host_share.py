"""What each of several hosts reads of a batch."""


def slice_of_batch(batch_size, host, num_hosts):
    """Returns the slice of every batch that a host reads."""
    check_host(host, num_hosts)
    if batch_size % num_hosts:
        lower = batch_size - batch_size % num_hosts
        raise ValueError(
            "data.batch_size must divide evenly among the hosts. Received: "
            f"batch_size={batch_size}, num_hosts={num_hosts}. "
            f"Try {lower or num_hosts} or {lower + num_hosts}."
        )
    share = batch_size // num_hosts
    return slice(host * share, (host + 1) * share)


def check_host(host, num_hosts):
    """Refuses a host that is not one of them."""
    if not 0 <= host < num_hosts:
        raise ValueError(
            "host must be at least 0 and below num_hosts. "
            f"Received: host={host}, num_hosts={num_hosts}"
        )
