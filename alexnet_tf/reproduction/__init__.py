"""The queue of experiments that hold the paper's claims to what we measure."""
