# A redriven job takes its unique key again, or is refused while another one has it.
t=0   enqueue  a queue=mail unique=k max_attempts=1 -> a ready
t=0   lease    mail by w1                           -> a leased #1
t=0   nack     a #1                                 -> a dead
t=1s  enqueue  b queue=mail unique=k                -> b ready
t=1s  redrive  a                                    -> refused unique_conflict, a dead
t=2s  cancel   b                                    -> b cancelled
t=2s  redrive  a                                    -> a ready
t=2s  enqueue  c queue=mail unique=k                -> deduplicated, a ready
t=3s  lease    mail by w1                           -> a leased #1
t=3s  ack      a #1                                 -> a succeeded
t=3s  enqueue  c queue=mail unique=k                -> c ready
